"""Maps: many units brought to two or three axes by libraries that are there or not, in one voice."""

from pellucid.methods.mapping.mapper import Mapped, Mapper, Maps
from pellucid.methods.mapping.rows import Rows
from pellucid.methods.mapping.sampled import stratified
from pellucid.methods.mapping.tsne import tsne_mapper
from pellucid.methods.mapping.umap import umap_mapper

__all__ = ["Mapped", "Mapper", "Maps", "Rows", "stratified", "tsne_mapper", "umap_mapper"]
