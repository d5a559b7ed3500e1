"""Drawing: gradients and updates of a run, and maps over inputs. Importing this registers them."""

from pellucid.windows.gradients.draw import faithfulness, flow, saliency, shortcuts
from pellucid.windows.gradients.draw.beside import side_by_side

__all__ = ["faithfulness", "flow", "saliency", "shortcuts", "side_by_side"]
