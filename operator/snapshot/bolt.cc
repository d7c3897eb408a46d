#include "operator/snapshot/bolt.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "operator/snapshot/bolt_page.h"
#include "operator/snapshot/little_endian.h"

namespace etcdrestore {
namespace {

constexpr std::size_t kBucketHeader = 16;  // root page, sequence
// Each level at least doubles the pages: no file has more.
constexpr int kMaxDepth = 48;
constexpr std::uint64_t kPagesBetweenLooks = 256;

/// Keys of a subtree are in [min, max); no bound where absent.
struct Bounds {
  std::optional<std::string_view> min;
  std::optional<std::string_view> max;
};

class Walker {
 public:
  Walker(const Call& call, std::string_view file, const BoltMeta& meta, const BoltVisitor& visit)
      : call_(call),
        pages_(file.substr(0, static_cast<std::size_t>(meta.high_water * meta.page_size))),
        meta_(meta),
        visit_(visit),
        seen_(static_cast<std::size_t>(meta.high_water), false) {}

  Status Run() {
    seen_[0] = seen_[1] = true;
    auto free = FreePages();
    if (!free) return free.error();
    if (Status walked = Tree(meta_.root, {}, 0, true); !walked) return walked;
    for (const std::uint64_t id : *free)
      if (seen_[static_cast<std::size_t>(id)])
        return BoltDamaged(fmt::format("page {} is both free and in use", id));
    return {};
  }

 private:
  Result<BoltPage> Load(std::uint64_t id);
  Result<std::vector<std::uint64_t>> FreePages();
  Status Tree(std::uint64_t id, const Bounds& bounds, int depth, bool root);
  Status Branch(const BoltPage& page, const Bounds& bounds, int depth, bool root);
  Status Leaf(const BoltPage& page, const Bounds& bounds, bool root);
  Status Bucket(const BoltElement& element);

  const Call& call_;
  std::string_view pages_;
  const BoltMeta& meta_;
  const BoltVisitor& visit_;
  std::vector<bool> seen_;
  std::uint64_t loaded_ = 0;
};

Error OutOfOrder(const BoltPage& page) {
  return BoltDamaged(fmt::format("keys of page {} are out of order", page.id));
}

Status CheckOrder(const BoltPage& page, std::optional<std::string_view> before,
                  std::string_view key, const Bounds& bounds) {
  if (before && key <= *before) return OutOfOrder(page);
  if (bounds.min && key < *bounds.min) return OutOfOrder(page);
  if (bounds.max && key >= *bounds.max) return OutOfOrder(page);
  return {};
}

/// Reads page `id` and notes it and its overflow as used.
Result<BoltPage> Walker::Load(std::uint64_t id) {
  if (++loaded_ % kPagesBetweenLooks == 0)
    if (const auto over = call_.Over()) return *over;
  if (id >= meta_.high_water)
    return BoltDamaged(fmt::format("page {} is outside the database", id));
  auto page = ParseBoltPage(pages_.substr(static_cast<std::size_t>(id * meta_.page_size)), id,
                            meta_.page_size);
  if (!page) return page;
  for (std::uint64_t i = id; i <= id + page->overflow; ++i) {
    if (seen_[static_cast<std::size_t>(i)])
      return BoltDamaged(fmt::format("page {} is used twice", i));
    seen_[static_cast<std::size_t>(i)] = true;
  }
  return page;
}

Result<std::vector<std::uint64_t>> Walker::FreePages() {
  std::vector<std::uint64_t> free;
  if (meta_.freelist == kNoFreelist) return free;
  const auto page = Load(meta_.freelist);
  if (!page) return page.error();
  if (page->kind != BoltPageKind::kFreelist)
    return BoltDamaged(fmt::format("page {} is not the list of free pages", page->id));
  // A count that does not fit 16 bits is 0xFFFF, and the first number is the count.
  const bool large = page->count == 0xFFFF;
  const std::size_t room = (page->bytes.size() - kBoltPageHeader) / 8;
  if (large && room == 0) return BoltDamaged("the list of free pages is cut off");
  const std::uint64_t count =
      large ? LoadLittle<std::uint64_t>(page->bytes, kBoltPageHeader) : page->count;
  const std::size_t first = large ? 1 : 0;
  if (count > room - first) return BoltDamaged("the list of free pages is longer than its page");
  for (std::size_t i = first; i < first + count; ++i) {
    const auto id = LoadLittle<std::uint64_t>(page->bytes, kBoltPageHeader + 8 * i);
    if (id < 2 || id >= meta_.high_water)
      return BoltDamaged(fmt::format("free page {} is outside the database", id));
    free.push_back(id);
  }
  return free;
}

Status Walker::Tree(std::uint64_t id, const Bounds& bounds, int depth, bool root) {
  if (depth > kMaxDepth) return BoltDamaged("the tree of pages is too deep");
  const auto page = Load(id);
  if (!page) return page.error();
  if (page->kind == BoltPageKind::kBranch) return Branch(*page, bounds, depth, root);
  if (page->kind == BoltPageKind::kLeaf) return Leaf(*page, bounds, root);
  return BoltDamaged(fmt::format("page {} is neither branch nor leaf", id));
}

Status Walker::Branch(const BoltPage& page, const Bounds& bounds, int depth, bool root) {
  if (page.count == 0) return BoltDamaged(fmt::format("branch page {} is empty", page.id));
  BoltElements elements(page);
  auto next = elements.Next();
  std::optional<std::string_view> before;
  for (std::uint16_t left = page.count; left > 0; --left) {
    if (!next) return next.error();
    const BoltElement element = *next;
    auto ordered = CheckOrder(page, before, element.key, bounds);
    if (!ordered) return ordered;
    before = element.key;
    Bounds below{.min = element.key, .max = bounds.max};
    if (left > 1) {
      next = elements.Next();
      if (!next) return next.error();
      below.max = next->key;
    }
    auto walked = Tree(element.child, below, depth + 1, root);
    if (!walked) return walked;
  }
  return {};
}

Status Walker::Leaf(const BoltPage& page, const Bounds& bounds, bool root) {
  BoltElements elements(page);
  std::optional<std::string_view> before;
  while (!elements.Done()) {
    const auto element = elements.Next();
    if (!element) return element.error();
    auto ordered = CheckOrder(page, before, element->key, bounds);
    if (!ordered) return ordered;
    before = element->key;
    if (element->is_bucket != root)
      return BoltDamaged(
          fmt::format("page {} has {}", page.id,
                      root ? "an entry outside of any bucket" : "a bucket inside a bucket"));
    auto taken = root ? Bucket(*element) : visit_.entry(element->key, element->value);
    if (!taken) return taken;
  }
  return {};
}

Status Walker::Bucket(const BoltElement& element) {
  if (element.value.size() < kBucketHeader) return BoltDamaged("the header of a bucket is cut off");
  auto opened = visit_.bucket(element.key);
  if (!opened) return opened;
  const auto root = LoadLittle<std::uint64_t>(element.value, 0);
  if (root != 0) return Tree(root, {}, 0, false);
  const auto page = ParseInlineBoltPage(element.value.substr(kBucketHeader));
  if (!page) return page.error();
  if (page->kind != BoltPageKind::kLeaf) return BoltDamaged("an inline bucket is not a leaf");
  return Leaf(*page, {}, false);
}

}  // namespace

Status WalkBolt(const Call& call, std::string_view file, const BoltMeta& meta,
                const BoltVisitor& visit) {
  return Walker(call, file, meta, visit).Run();
}

}  // namespace etcdrestore
