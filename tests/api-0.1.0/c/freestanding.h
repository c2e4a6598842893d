#ifndef FREESTANDING_H
#define FREESTANDING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *malloc(size_t size);
void free(void *old);
size_t strlen(const char *text);
void *memcpy(void *restrict to, const void *restrict from, size_t len);

/* To be called at the end of each exported function: what was allocated is used until the next one is called. */
void all_is_free(void);
#endif
