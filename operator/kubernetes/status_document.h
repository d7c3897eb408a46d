#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "crds/etcd_restore.h"

namespace etcdrestore {

/// What the API server will take of a status: fields that the schema does not know are left out,
/// texts and lists are cut to its limits. Pure.
nlohmann::ordered_json FitToSchema(const nlohmann::ordered_json& value,
                                   const nlohmann::ordered_json& schema);

/// The schema of status in the CRD.
const nlohmann::ordered_json& StatusSchema();

/// `next` as it may be written after `previous`: cut to the schema, and each condition keeps its
/// lastTransitionTime while its status is the same. Equal to `previous` when there is nothing to
/// write. Pure.
nlohmann::ordered_json NextStatus(const nlohmann::ordered_json& previous,
                                  const nlohmann::ordered_json& next);

/// The status of an object that no run speaks for: not begun, waiting, or refused. Every condition
/// is there from the first visit. Pure.
nlohmann::ordered_json OutsideRunStatus(const EtcdRestore& object, const std::string& phase,
                                        const std::string& reason, const std::string& message,
                                        SystemTime now);

/// What an object says that no run speaks for, over what was known of a cluster that is half
/// restored: its point of no return, nodes, plan and phases are kept. Pure.
nlohmann::ordered_json OverHalfDone(const nlohmann::ordered_json& known,
                                    const nlohmann::ordered_json& said);

/// The status of a run that came to a bad end and is tried again by itself: not failed, in the
/// phase in which it was. `stalled` when people should know of it: past the point of no return.
/// Pure.
nlohmann::ordered_json TriedAgain(nlohmann::ordered_json status, bool stalled);

/// The same status, seen to belong to a later generation of the object that changed nothing of it.
/// Pure.
nlohmann::ordered_json OfGeneration(nlohmann::ordered_json status, std::int64_t generation);

/// The status that came with an object; an empty one when there is none. Lives as long as the
/// object. Pure.
const nlohmann::ordered_json& StatusOf(const EtcdRestore& object);

/// True for a phase after which nothing comes by itself. Pure.
bool AtItsEnd(std::string_view phase);

/// A text field of the condition of that type; "" when there is none. Pure.
std::string ConditionField(const nlohmann::ordered_json& status, const std::string& type,
                           const char* field);

/// An object that does not pass our own checks, so that its status can say so: only metadata and
/// runID are filled. Pure.
EtcdRestore BareObject(const nlohmann::ordered_json& object);

}  // namespace etcdrestore
