"""What the ghost functions refuse: `ValueError`s that name the parameter, its value and what is allowed."""


class InvalidClasses(ValueError):
    """Logits or slopes that describe no softmax: NaN, +inf, no live class, shapes that disagree."""


class InvalidDirection(ValueError):
    """A step direction that does not fit the model: unknown name, wrong shape, not a number."""


class InvalidModelOutput(ValueError):
    """A model whose output is not a finite (batch, classes) table of logits."""


class NonFiniteOutput(InvalidModelOutput):
    """Logits that are NaN or +inf, or slopes that are not finite: a network that has diverged."""


class InvalidWindow(ValueError):
    """A window of the complex plane that is empty, not finite, or too large to be searched."""


class InvalidOptimizer(ValueError):
    """An optimizer that does not belong to the model, or a parameter it cannot move continuously."""


class InvalidClipSetting(ValueError):
    """A setting of `RadiusClip` outside what it can work with."""


class InvalidSweep(ValueError):
    """Steps, labels or a temperature along which no network can be swept."""


class NoContinuation(ValueError):
    """A function of the network that cannot be continued to complex steps: a kink, a maximum, or one unknown."""

    def __init__(self, function: str, module: str):
        self.function, self.module = function, module
        where = f" in module {module!r}" if module else ""
        super().__init__(
            f"model: {function}{where} has no continuation to complex steps; allowed are analytic functions, "
            "among them linear layers, convolutions, tanh, sigmoid, SiLU, softplus, GELU, softmax, LayerNorm"
        )

    @property
    def short(self) -> str:
        """Function and module, in words."""
        return f"{self.function.rpartition('.')[2]} in module {self.module or 'the network itself'}"


class NotCertified(ValueError):
    """Samples whose exact radius could not be certified by a winding number."""

    def __init__(self, samples: list[int]):
        self.samples = samples
        super().__init__(
            f"kind='exact': no winding-number certificate for samples {samples[:8]}; "
            "exact_radius returns them flagged, kind='margin' is a rigorous lower bound"
        )
