"""Running notebooks: kernels, the honest record, pages. Only here are papermill and nbconvert imported."""

from incident_lib.run.lean import prepare

prepare()
