"""Wrong solutions of the assignments: one change to the package's bodies, and what it must cost.

For each assignment (task, old text, new text, {case: part of the sentence}): the cases that are
lost, and of which known mistake the grader must speak; "" where the numbers are simply wrong. The
old text must stand once in the task's body.
"""

PLANTED = {
    "a05": [
        ("total_loss", "np.sum(", "np.mean(", {"several tasks": "mean over the tasks"}),
        ("total_loss", "np.sum(losses)", "np.sum(losses) / 2", {"several tasks": "half the sum"}),
        ("total_loss", "return np.sum", "return -np.sum", {"several tasks": "wrong sign"}),
        (
            "trajectory",
            "p - step_size",
            "p + step_size",
            {
                "one step": "up the gradient",
                "five steps": "up the gradient",
                "the gradient through the steps": "up the gradient",
            },
        ),
        (
            "trajectory",
            "step_size * g",
            "step_size * g / 2",
            {
                "one step": "half as long",
                "five steps": "half as long",
                "the gradient through the steps": "",
            },
        ),
        (
            "trajectory",
            "g, path[-1], gradient)",
            "g / len(support.x), path[-1], gradient)",
            {
                "one step": "M times too short",
                "five steps": "M times too short",
                "the gradient through the steps": "M times too short",
            },
        ),
        (
            "trajectory",
            "grad(total_loss)(path[-1]",
            "grad(total_loss)(path[0]",
            {"five steps": "not at the newest point", "the gradient through the steps": ""},
        ),
        (
            "trajectory",
            "grad(total_loss)(path[-1], support, net, loss)",
            "__import__('minimeta.core.gradients').core.gradients.constant("
            "grad(total_loss)(path[-1], support, net, loss))",
            {"the gradient through the steps": "first-order gradient"},
        ),
        (
            "task_losses",
            "task.query.x), task.query.y",
            "task.support.x), task.support.y",
            {"the learner's own loss": "judged on the support", "another loss": "on the support"},
        ),
        (
            "task_losses",
            "learner.adapt(meta, task.support)",
            "learner.adapt(meta, task.query)",
            {"the learner's own loss": "seen too early", "another loss": "seen too early"},
        ),
        (
            "task_losses",
            "learner.loss if loss is None else loss",
            "learner.loss",
            {"another loss": "learner's own loss"},
        ),
        (
            "contraction",
            "return left",
            "return one_step",
            {"five steps": "one step whatever"},
        ),
        (
            "contraction",
            "- step_size * A",
            "+ step_size * A",
            {"one step": "wrong sign", "five steps": "wrong sign"},
        ),
        (
            "contraction",
            "range(steps)",
            "range(steps + 1)",
            {"one step": "one step too many", "five steps": "one step too many"},
        ),
        (
            "contraction",
            "return left",
            "return np.eye(np.shape(A)[-1]) - steps * step_size * A",
            {"five steps": "not many short ones"},
        ),
        (
            "maml_weights",
            "left @ A @ left",
            "A @ left",
            {"one step": "first-order weight", "three steps": "first-order weight"},
        ),
        (
            "maml_weights",
            "left @ A @ left",
            "A",
            {"one step": "without any step", "three steps": "without any step"},
        ),
        (
            "maml_weights",
            "step_size, steps)\n    return",
            "step_size, 1)\n    return",
            {"three steps": "one step only"},
        ),
        (
            "maml_weights",
            "contraction(A, step_size",
            "contraction(A, -step_size",
            {"one step": "wrong sign", "three steps": "wrong sign"},
        ),
        (
            "fixed_point",
            "return np.linalg.solve",
            "return np.mean(c, axis=0)\n    return np.linalg.solve",
            {"four tasks": "plain mean of the minima"},
        ),
        (
            "fixed_point",
            "return np.linalg.solve",
            "W = W * np.eye(W.shape[-1])\n    return np.linalg.solve",
            {"four tasks": "entry by entry"},
        ),
        ("fixed_point", "np.sum(W @", "np.mean(W @", {"four tasks": "divides one sum"}),
        (
            "multi_step_loss",
            "task.query.x), task.query.y",
            "task.support.x), task.support.y",
            {"three weights": "judged on the support"},
        ),
        (
            "multi_step_loss",
            "zip(weights, losses)",
            "zip(weights[::-1], losses)",
            {"three weights": "in reverse"},
        ),
        (
            "multi_step_loss",
            "net.apply(phi, task.query.x)",
            "net.apply(path[-1], task.query.x)",
            {"three weights": "at the last point"},
        ),
        ("multi_step_loss", "np.mean(", "np.sum(", {"three weights": "sum over the tasks"}),
    ],
}
