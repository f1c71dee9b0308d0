/*
 * banned - what the kernel never calls; using one does not compile.
 *
 * Each has a bounded form: strscpy, strlcat, ksnprintf, str_to_u64.
 */
#pragma once

#if !__STDC_HOSTED__
#pragma GCC poison strcpy strcat strncpy strncat stpcpy stpncpy
#pragma GCC poison sprintf vsprintf gets
#pragma GCC poison strtok strtok_r strtol strtoul strtoll strtoull
#pragma GCC poison atoi atol atoll
#pragma GCC poison alloca setjmp longjmp
#endif
