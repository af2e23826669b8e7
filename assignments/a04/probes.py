"""What a04.py is asked: every function is called with its arguments (the probe `call`)."""
