#pragma once

#include <string>

#include "operator/base/call.h"
#include "operator/snapshot/mapped_file.h"

namespace etcdrestore {

/// Refuses what is plainly no snapshot, by its first bytes and its size: SnapshotEmpty,
/// SnapshotIsZip, SnapshotIsHtml, SnapshotTruncated. Looks at the first kilobyte only.
Status CheckLooks(const MappedFile& file);

/// True for the first bytes of a zip.
bool StartsLikeZip(std::string_view head);

/// Reads the file once, through read calls, and returns the hex SHA-256 of all of it, when its last
/// 32 bytes are the SHA-256 of what is before them. Errors: SnapshotCorrupt, SnapshotUnreadable,
/// call.Over()'s.
Result<std::string> CheckDigest(const Call& call, const MappedFile& file);

/// Length of the digest that `etcdctl snapshot save` appends.
inline constexpr std::size_t kTrailer = 32;

}  // namespace etcdrestore
