"""The compiler with which these extensions were built, and the instruction sets of this machine."""

cdef extern from "isa.hpp" namespace "wordsparse" nogil:
    const char* ISA_NAMES[]
    int widest_isa()

cdef extern from * nogil:
    """
    #include <iterator>
    """
    const bint HAS_OPENMP
    const char* COMPILER "__VERSION__"
    const char* WORDSPARSE_COMMIT
    Py_ssize_t count_of_isas "std::size(wordsparse::ISA_NAMES)"

openmp = bool(HAS_OPENMP)
compiler = COMPILER.decode()
# The Git commit of the compiled sources; empty if unknown.
commit = WORDSPARSE_COMMIT.decode()
# The instruction sets for which loops were compiled, and the sets that this machine has, narrowest first. The argument
# `isa` of compiled functions is the index of a set in the list of compiled sets.
compiled_isas = tuple(ISA_NAMES[i].decode() for i in range(count_of_isas))
available_isas = compiled_isas[: widest_isa() + 1]
