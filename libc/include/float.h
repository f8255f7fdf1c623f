// Ranges of double and float.
#pragma once

#define FLT_RADIX	2
#define FLT_MANT_DIG	24
#define FLT_EPSILON	__FLT_EPSILON__
#define FLT_MIN		__FLT_MIN__
#define FLT_MAX		__FLT_MAX__
#define DBL_MANT_DIG	53
#define DBL_DIG		15
#define DBL_MAX_10_EXP	308
#define DBL_EPSILON	__DBL_EPSILON__
#define DBL_MIN		__DBL_MIN__
#define DBL_MAX		__DBL_MAX__
