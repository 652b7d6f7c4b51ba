"""Running notebooks: kernels, the honest record, pages. Only here are papermill and nbconvert imported.

Whatever imports nbformat, nbclient or nbconvert calls `lean.prepare` before. It is not called here, because
the process that kernels are forked from imports this package, and needs none of them.
"""
