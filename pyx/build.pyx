"""What these extensions were compiled with, and what of it this machine uses."""

cdef extern from "clones.h":
    const char* INSTRUCTION_SETS
    const char* COMPILER
    const char* instruction_set()

cdef extern from *:
    """
    #ifdef _OPENMP
    #define WORDSPARSE_HAS_OPENMP 1
    #else
    #define WORDSPARSE_HAS_OPENMP 0
    #endif

    #include <stdlib.h>
    #ifdef __GLIBC__
    #include <malloc.h>
    static void trim(void) { malloc_trim(0); }
    #else
    static void trim(void) {}
    #endif
    """
    const bint WORDSPARSE_HAS_OPENMP
    void trim() nogil

openmp = bool(WORDSPARSE_HAS_OPENMP)
compiler = COMPILER.decode()
compiled_instruction_sets = tuple(INSTRUCTION_SETS.decode().split())
used_instruction_set = instruction_set().decode()


def give_back_memory():
    """Pages that the allocator keeps between pieces in use go back to the system, where it can do that."""
    with nogil:
        trim()
