/* Loops compiled for several instruction sets: the loader chooses on the user's machine, so that nothing is shipped
 * with -march=native. CLONES stands before a function; the rest tells what was compiled and what this machine takes. */
#ifndef WORDSPARSE_CLONES_H
#define WORDSPARSE_CLONES_H

#if defined(__GNUC__) && defined(__x86_64__) && defined(__gnu_linux__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define INSTRUCTION_SETS "x86-64-v4 x86-64-v3 x86-64"
static inline const char *instruction_set(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) return "x86-64-v4";
    return __builtin_cpu_supports("x86-64-v3") ? "x86-64-v3" : "x86-64";
}
#else
#define CLONES
#define INSTRUCTION_SETS "baseline"
static inline const char *instruction_set(void) { return INSTRUCTION_SETS; }
#endif

#ifdef __VERSION__
#define COMPILER __VERSION__
#else
#define COMPILER "unknown"
#endif

#endif
