#include <stddef.h>
#include <stdint.h>
extern unsigned char __heap_base;
static uintptr_t top;
/* sizes in front, never given back */
void *malloc(size_t n) {
  if (!top) top = (uintptr_t)&__heap_base;
  uintptr_t p = (top + 8 + 15) & ~(uintptr_t)15; 
  uintptr_t end = p + n;
  size_t have = __builtin_wasm_memory_size(0) * 65536;
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + 65535) / 65536) == (size_t)-1) return 0;
  ((size_t*)p)[-1] = n; top = end; return (void*)p;
}
void free(void *p) { (void)p; }
void *memcpy(void *d, const void *s, size_t n) { unsigned char *a = d; const unsigned char *b = s; while (n--) *a++ = *b++; return d; }
void *realloc(void *p, size_t n) { void *q = malloc(n); if (p) { size_t o = ((size_t*)p)[-1]; memcpy(q, p, o < n ? o : n); } return q; }
size_t strlen(const char *s) { size_t n = 0; while (s[n]) n++; return n; }
_Noreturn void abort(void) { __builtin_trap(); }
