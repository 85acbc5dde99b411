openmp: bool
compiler: str
compiled_instruction_sets: tuple[str, ...]
used_instruction_set: str

def give_back_memory() -> None: ...
