#include "kit.h"
#include <stdlib.h>
#include <string.h>
#ifdef WITH_WASI
#include <stdio.h>
#endif
struct exports_test_kit_values_thing_t { kit_string_t name; };
static exports_test_kit_values_own_thing_t thing(uint8_t *p, size_t n) {
  exports_test_kit_values_thing_t *t = malloc(sizeof *t); t->name.ptr = p; t->name.len = n;
  return exports_test_kit_values_thing_new(t);
}
exports_test_kit_values_own_thing_t exports_test_kit_values_constructor_thing(kit_string_t *name) { return thing(name->ptr, name->len); }
void exports_test_kit_values_method_thing_name(exports_test_kit_values_borrow_thing_t self, kit_string_t *ret) { kit_string_dup_n(ret, (char*)self->name.ptr, self->name.len); }
exports_test_kit_values_own_thing_t exports_test_kit_values_static_thing_join(exports_test_kit_values_own_thing_t a, exports_test_kit_values_borrow_thing_t b) {
  exports_test_kit_values_thing_t *x = exports_test_kit_values_thing_rep(a);
  size_t n = x->name.len + 1 + b->name.len; uint8_t *p = malloc(n);
  memcpy(p, x->name.ptr, x->name.len); p[x->name.len] = '+'; memcpy(p + x->name.len + 1, b->name.ptr, b->name.len);
  exports_test_kit_values_thing_drop_own(a);
  return thing(p, n);
}
void exports_test_kit_values_thing_destructor(exports_test_kit_values_thing_t *rep) { kit_string_free(&rep->name); free(rep); }
void exports_test_kit_values_numbers(uint8_t a, int8_t b, uint16_t c, int16_t d, uint32_t e, int32_t f, uint64_t g, int64_t h, float i, double j, bool k, uint32_t l, kit_tuple12_u8_s8_u16_s16_u32_s32_u64_s64_f32_f64_bool_char32_t *r) {
  r->f0=a;r->f1=b;r->f2=c;r->f3=d;r->f4=e;r->f5=f;r->f6=g;r->f7=h;r->f8=i;r->f9=j;r->f10=k;r->f11=l;
}
void exports_test_kit_values_text(kit_string_t *a, kit_string_t *ret) { *ret = *a; }
void exports_test_kit_values_bytes(kit_list_u8_t *a, kit_list_u8_t *ret) { *ret = *a; }
void exports_test_kit_values_points(exports_test_kit_values_list_point_t *a, exports_test_kit_values_list_point_t *ret) { *ret = *a; }
void exports_test_kit_values_shapes(exports_test_kit_values_list_shape_t *a, exports_test_kit_values_list_shape_t *ret) { *ret = *a; }
bool exports_test_kit_values_maybe(kit_option_u32_t *a, kit_option_u32_t *ret) { if (!a) return false; *ret = *a; return true; }
bool exports_test_kit_values_outcome(exports_test_kit_values_result_string_shape_t *a, kit_string_t *ret, exports_test_kit_values_shape_t *err) {
  if (a->is_err) { *err = a->val.err; return false; } *ret = a->val.ok; return true; }
bool exports_test_kit_values_nothing(exports_test_kit_values_result_void_void_t *a) { return !a->is_err; }
exports_test_kit_values_perms_t exports_test_kit_values_perm(exports_test_kit_values_perms_t a) { return a; }
exports_test_kit_values_level_t exports_test_kit_values_grade(exports_test_kit_values_level_t a) { return a; }
uint32_t exports_test_kit_values_count(exports_test_kit_values_own_counter_t c, uint32_t n) {
  uint32_t r = test_kit_host_method_counter_add(test_kit_host_borrow_counter(c), n); test_kit_host_counter_drop_own(c); return r; }
uint32_t exports_test_kit_values_count_lent(exports_test_kit_values_borrow_counter_t c, uint32_t n) { uint32_t r = test_kit_host_method_counter_add(c, n); test_kit_host_counter_drop_borrow(c); return r; }
exports_test_kit_values_own_counter_t exports_test_kit_values_make_counter(uint32_t s) { return s ? test_kit_host_constructor_counter(s) : test_kit_host_static_counter_fresh(); }
bool exports_test_kit_values_through(kit_string_t *text, kit_string_t *ret, kit_string_t *err) {
  uint32_t nums[3] = {1, 2, 3}, n;
  test_kit_host_entry_t entry = { TEST_KIT_HOST_LEVEL_HIGH, *text, { nums, 3 } };
  if (!test_kit_host_note(&entry, &n, err)) return false;
#ifdef WITH_WASI
  printf("through %.*s\n", (int)text->len, (char*)text->ptr); fflush(stdout);
#endif
  kit_string_t s; test_kit_host_shout(text, &s);
  char digits[12]; int d = 12; do { digits[--d] = '0' + n % 10; n /= 10; } while (n); digits[--d] = '/';
  ret->len = s.len + (12 - d); ret->ptr = malloc(ret->len);
  memcpy(ret->ptr, s.ptr, s.len); memcpy(ret->ptr + s.len, digits + d, 12 - d);
  kit_string_free(&s); kit_string_free(text);
  return true;
}
