# `just` lists the recipes.
_default:
    @just --list --unsorted
