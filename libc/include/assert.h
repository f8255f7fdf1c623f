// assert: a claim about the program; if it fails, a message and abort. No guard: NDEBUG may change.
#undef assert

#ifdef NDEBUG
#define assert(claim)	((void)0)
#else
#define assert(claim) \
	((claim) ? (void)0 : __assert_fail(#claim, __FILE__, __LINE__, __func__))
#endif

_Noreturn void __assert_fail(const char *claim, const char *file, unsigned int line,
			     const char *function);

#undef static_assert
#define static_assert	_Static_assert
