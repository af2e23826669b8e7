"""What a17.py is asked: every function is called with its arguments (the probe `call`)."""
