openmp: bool
compiler: str
commit: str
compiled_isas: tuple[str, ...]
available_isas: tuple[str, ...]
