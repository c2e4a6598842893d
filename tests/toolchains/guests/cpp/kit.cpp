#include "kit_cpp.h"
#include <cstdio>
#include <string>
#include <vector>
#include <map>
namespace exports::test::kit::values {
static std::map<Thing const*, std::string> names;
Thing::Thing(wit::string name) { names[this] = name.to_string(); }
wit::string Thing::Name() { return wit::string::from_view(names[this]); }
Thing::Owned Thing::Join(Thing::Owned a, std::reference_wrapper<const Thing> b) { return New(wit::string::from_view(names[a.get()] + "+" + names[&b.get()])); }
std::tuple<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, uint64_t, int64_t, float, double, bool, uint32_t> Numbers(uint8_t a, int8_t b, uint16_t c, int16_t d, uint32_t e, int32_t f, uint64_t g, int64_t h, float i, double j, bool k, uint32_t l) { return {a,b,c,d,e,f,g,h,i,j,k,l}; }
wit::string Text(wit::string a) { return a; }
wit::vector<uint8_t> Bytes(wit::vector<uint8_t> a) { return a; }
wit::vector<Point> Points(wit::vector<Point> a) { return a; }
wit::vector<Shape> Shapes(wit::vector<Shape> a) { return a; }
std::optional<std::optional<uint32_t>> Maybe(std::optional<std::optional<uint32_t>> a) { return a; }
std::expected<wit::string, Shape> Outcome(std::expected<wit::string, Shape> a) { return a; }
std::expected<void, wit::Void> Nothing(std::expected<void, wit::Void> a) { return a; }
Perms Perm(Perms a) { return a; }
::test::kit::host::Level Grade(::test::kit::host::Level a) { return a; }
uint32_t Count(::test::kit::host::Counter&& c, uint32_t n) { return c.Add(n); }
uint32_t CountLent(std::reference_wrapper<const ::test::kit::host::Counter> c, uint32_t n) { return c.get().Add(n); }

::test::kit::host::Counter&& MakeCounter(uint32_t start) {
  static std::optional<::test::kit::host::Counter> c;
  c.emplace(start ? ::test::kit::host::Counter(start) : ::test::kit::host::Counter::Fresh()); return std::move(*c); }
std::expected<wit::string, wit::string> Through(wit::string text) {
  std::vector<uint32_t> nums{1,2,3};
  auto n = ::test::kit::host::Note({::test::kit::host::Level::kHigh, wit::string(text), wit::vector<uint32_t>::from_view(std::span<uint32_t>(nums))});
  if (!n) return std::unexpected(std::move(n.error()));
  std::printf("through %s\n", text.to_string().c_str()); std::fflush(stdout);
  return wit::string::from_view(::test::kit::host::Shout(text.get_view()).to_string() + "/" + std::to_string(*n));
}
}
