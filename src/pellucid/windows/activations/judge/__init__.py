"""The rules on activations. Importing this registers them."""

from pellucid.windows.activations.judge.feature_maps import dead_channels
from pellucid.windows.activations.judge.scale import activation_scale, not_finite
from pellucid.windows.activations.judge.units import dying_relu, saturation, spike_at_zero

__all__ = ["activation_scale", "dead_channels", "dying_relu", "not_finite", "saturation", "spike_at_zero"]
