"""Every public function of four windows with odd arguments, as a program: outside pytest nothing checks types.

It prints one line of JSON: what raised another error than one of pellucid's own, and what was taken and cannot be kept.
"""

import contextlib
import json
import sys
import tempfile
import warnings
from collections import UserDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import pellucid as pel
from pellucid.core.errors import PellucidError
from pellucid.core.result import Result
from pellucid.methods.attribution import AlphaBeta, Box, Epsilon, Flat, Gamma, WSquare

g, w, a, lo = pel.gradients, pel.weights, pel.activations, pel.loss
torch.set_num_threads(1)
torch.manual_seed(0)
MODEL = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
FLAT = nn.Sequential(nn.Linear(36, 3))
X, Y = torch.rand(3, 1, 6, 6), torch.tensor([0, 1, 2])
MAP = g.saliency(MODEL, X, 0)
NAMES, TABLE = list("abcdef"), np.arange(24.0).reshape(6, 4) ** 2
ODD: dict[str, Any] = {
    "None": None,
    "True": True,
    "-1": -1,
    "1.5": 1.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "10**300": 10**300,
    "1j": 1j,
    "text": "a",
    "no text": "",
    "bytes": b"a",
    "surrogate": "\ud800",
    "nothing": (),
    "reals": (1.5,),
    "whole numbers": (1, 2),
    "[None]": [None],
    "nested lists": [[0], [1, 2]],
    "mapping": {1: "a"},
    "set": {"a", "b"},
    "object": object(),
    "class": nn.Linear,
    "method class": g.IntegratedGradients,
    "state_dict": MODEL.state_dict(),
    "numpy number": np.int64(1),
    "array": X.numpy(),
    "objects": np.array([None, "a"], dtype=object),
    "tensor": X,
    "number in a tensor": torch.tensor(1.5),
    "no example": X[:0],
    "complex": X.to(torch.complex64),
    "sparse": X.to_sparse(),
    "meta": torch.zeros(3, 1, 6, 6, device="meta"),
    "truth values": X > 0.5,
    "out of range": torch.tensor([0, 1, 9]),
    "negative": [0, -1, 2],
    "too few": [0, 1],
    "real labels": Y.float(),
    "loader": DataLoader(TensorDataset(X, Y), batch_size=2),
    "pair": (X, Y),
    "tokens": UserDict(input=X, mask=Y),
    "options": w.DreamOptions(),
    "path": Path("a"),
}


def _explained(kind: Any, **fixed: Any) -> Callable[..., Any]:
    return lambda **odd: g.saliency(MODEL, X[:1], 0, method=kind(**{**fixed, **odd}))


def _shared(kind: Any, place: str, **fixed: Any) -> Callable[..., Any]:
    return lambda **odd: g.saliency(MODEL, X[:1], 0, method=g.LRP(**{place: kind(**{**fixed, **odd})}))


def _called(function: Callable[..., Any], **usual: Any) -> Callable[..., Any]:
    return lambda **odd: function(**{**usual, **odd})


def _resumed(resume: Any) -> Result:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        options = lo.LandscapeOptions(lines=0)
        return lo.landscape(FLAT, LEARNED, resolution=3, options=options, resume=resume)


FEW = {"steps": 1, "chances": 1, "randomisations": 1, "stages": 1, "perturbations": 1, "samples": 1}
LEARNED, CURVE = (X.flatten(1), Y), {"loss": [2.0, 1.0, 0.5]}
OTHERS = [nn.Sequential(nn.Linear(36, 3)).state_dict() for _ in range(4)]
PICTURES = [(torch.rand(24, 1, 6, 6), torch.arange(24) % 3)]
CALLS: dict[str, tuple[Callable[..., Any], str]] = {
    "saliency": (_called(g.saliency, model=MODEL, x=X, target=0), "model x target method at only group tokens"),
    "saliency shape": (_called(g.saliency, model=FLAT, x=X.flatten(1), target=0), "shape tokens"),
    "saliency at": (_called(g.saliency, model=MODEL, x=X, target=0, at="0"), "only"),
    "flow": (_called(g.flow, model=MODEL, batch=(X, Y)), "model batch loss samples"),
    "flow target": (lambda target: g.flow(MODEL, (X, target)), "target"),
    "faithfulness": (
        _called(g.faithfulness, model=MODEL, x=X, target=Y, options=g.FaithfulnessOptions(**FEW)),
        "model x target method at masks baseline options",
    ),
    "FaithfulnessOptions": (_called(g.FaithfulnessOptions), " ".join((*FEW, "radius", "seed", "unknown"))),
    "shortcuts": (_called(g.shortcuts, model=MODEL, data=PICTURES), "model data method cell most classes shape group"),
    "side_by_side": (_called(g.side_by_side, results=[MAP]), "results most"),
    "filters": (_called(w.filters, model=MODEL), "model at data"),
    "templates": (_called(w.templates, model=MODEL, shape=(4, 6, 6)), "model at shape"),
    "spectra": (_called(w.spectra, model=MODEL), "model largest"),
    "weights": (_called(w.histograms, model=MODEL), "model"),
    "maximize": (
        _called(w.maximize, model=MODEL, at="1", units=[0], like=(1, 6, 6), steps=1, progress=False),
        "model at units like steps seed options",
    ),
    "MaximizeOptions": (
        _called(w.MaximizeOptions),
        "rate jitter zoom turn centre negative redirected normalization unknown",
    ),
    "dream": (
        _called(w.dream, model=MODEL, image=X[0], at="0", octaves=1, steps=1),
        "model image at octaves steps seed options",
    ),
    "DreamOptions": (_called(w.DreamOptions), "rate ratio jitter smallest normalization unknown"),
    "activations": (_called(a.histograms, model=MODEL, batch=X), "model batch at samples"),
    "feature_maps": (_called(a.feature_maps, model=MODEL, x=X, at="0"), "model x at data example"),
    "landscape": (
        _called(lo.landscape, model=FLAT, data=LEARNED, resolution=3, options=lo.LandscapeOptions(lines=0)),
        "model data loss radius resolution directions options group",
    ),
    "landscape resume": (_resumed, "resume"),
    "curvature": (
        _called(
            lo.curvature, model=FLAT, data=LEARNED, options=lo.CurvatureOptions(products=2, starts=0, directions=1)
        ),
        "model data loss optimizer options group",
    ),
    "interpolation": (
        _called(
            lo.interpolation, first=FLAT, second=OTHERS[0], data=LEARNED, options=lo.InterpolationOptions(points=3)
        ),
        "first second data loss options",
    ),
    "line_search": (_called(lo.line_search, model=FLAT, data=LEARNED), "model data loss optimizer options"),
    "loss.path": (_called(lo.path, model=FLAT, snapshots=OTHERS), "model snapshots data loss samples"),
    "Trajectory": (_called(lo.Trajectory, model=FLAT), "model most megabytes"),
    "compare": (_called(lo.compare, runs={"a": CURVE, "b": CURVE}), "runs settings"),
    "compare run": (lambda run: lo.compare({"a": CURVE, "b": run}), "run"),
    "LandscapeOptions": (_called(lo.LandscapeOptions), "samples tolerance lines recalibrated gains seed unknown"),
    "LineSearchOptions": (_called(lo.LineSearchOptions), "samples points unknown"),
    "InterpolationOptions": (_called(lo.InterpolationOptions), "samples points unknown"),
    "Subject": (
        lambda **odd: g.saliency(pel.Subject(**{"model": MODEL, **odd}), X, 0),
        "model loss batches optimizer class_names normalization name unknown",
    ),
    "Subject.batches": (lambda batches: a.histograms(pel.Subject(MODEL, batches=batches)), "batches"),
    "Subject.name": (lambda name: w.templates(pel.Subject(MODEL, name=name), shape=(4, 6, 6)), "name"),
    "SmoothGrad": (_explained(g.SmoothGrad, samples=2), "samples noise antithetic seed unknown"),
    "VarGrad": (_explained(g.VarGrad, samples=2), "samples noise seed unknown"),
    "IntegratedGradients": (_explained(g.IntegratedGradients), "baseline tolerance nodes exact unknown"),
    "ExpectedGradients": (_explained(g.ExpectedGradients, data=X, samples=2), "data samples seed unknown"),
    "GradCAM": (_explained(g.GradCAM), "relu unknown"),
    "GradCAMPlusPlus": (_explained(g.GradCAMPlusPlus), "relu unknown"),
    "GuidedGradCAM": (_explained(g.GuidedGradCAM), "layer unknown"),
    "Occlusion": (_explained(g.Occlusion), "window stride baseline averaged unknown"),
    "DeepLift": (_explained(g.DeepLift), "baseline unknown"),
    "LRP": (_explained(g.LRP), "conv dense first unknown"),
    "Epsilon": (_shared(Epsilon, "dense"), "epsilon unknown"),
    "Gamma": (_shared(Gamma, "dense"), "gamma unknown"),
    "AlphaBeta": (_shared(AlphaBeta, "dense"), "alpha beta unknown"),
    "Box": (_shared(Box, "first", low=0.0, high=1.0), "low high unknown"),
    "Flat": (_shared(Flat, "first"), "unknown"),
    "WSquare": (_shared(WSquare, "first"), "unknown"),
    "Gradient": (_explained(g.Gradient), "unknown"),
    "InputXGradient": (_explained(g.InputXGradient), "unknown"),
    "GuidedBackprop": (_explained(g.GuidedBackprop), "unknown"),
    "Deconvolution": (_explained(g.Deconvolution), "unknown"),
    "analogy": (
        _called(pel.embeddings.analogy, vectors=dict(zip(NAMES, TABLE, strict=True)), a="a", b="b", c="c"),
        "vectors a b c words pairs options",
    ),
    "analogy words": (
        lambda words: pel.embeddings.analogy(TABLE, "a", "b", "c", words=words),
        "words",
    ),
    "features": (_called(pel.embeddings.features, model=MODEL, data=(X, Y)), "model data at options progress"),
    "FeaturesOptions": (_called(pel.embeddings.FeaturesOptions), "samples images to unknown"),
    "separation": (
        _called(pel.embeddings.separation, model=MODEL, held_out=(X, Y)),
        "model held_out train at options progress",
    ),
    "SeparationOptions": (_called(pel.embeddings.SeparationOptions), "samples draws seed unknown"),
    "separation_of": (
        _called(pel.embeddings.separation_of, values=X.flatten(1), labels=Y),
        "values labels raw untrained head predicted train_accuracy options",
    ),
    "AnalogyOptions": (_called(pel.embeddings.AnalogyOptions), "method unit most neighbours draws seed unknown"),
    "tokens": (_called(pel.embeddings.tokens, model=nn.Embedding(6, 4)), "model which words"),
    "project": (
        _called(pel.embeddings.project, features=X.reshape(18, 6), progress=False),
        "features method dims labels like options progress",
    ),
    "ProjectionOptions": (
        _called(pel.embeddings.ProjectionOptions),
        "perplexity neighbours distance most judged stability seed unknown",
    ),
    "figure": (MAP.figure, "name"),
    "save": (lambda theme: MAP.figure().save(Path(tempfile.mkdtemp()) / "x.svg", theme=theme), "theme"),
}


def tried(call: Callable[..., Any], parameter: str, value: Any, folder: Path) -> str:
    """Return what is wrong with what a call makes of an argument; "" where nothing is."""
    try:
        found = call(**{parameter: value})
        if isinstance(found, Result):
            Result.load(found.save(folder / "kept.safetensors")).figure().text()
    except PellucidError as error:
        return "" if str(error).endswith((".", ")", "?")) else f"no sentence: {error}"
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        # What a model makes of what it is given is its own affair, but it is said what that was.
        told = any(one.startswith("pellucid called ") for one in getattr(error, "__notes__", ()))
        return "" if told else f"{type(error).__name__}: {error}"
    return ""


def main() -> None:
    """Print what is wrong, by call."""
    warnings.simplefilter("ignore")
    wrong: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (call, parameters) in CALLS.items():
            for parameter in parameters.split():
                for odd, value in ODD.items():
                    if why := tried(call, parameter, value, Path(folder)):
                        wrong[f"{name}({parameter}={odd})"] = why
    sys.stdout.write(json.dumps({"calls": len(CALLS), "wrong": wrong}))


if __name__ == "__main__":
    main()
