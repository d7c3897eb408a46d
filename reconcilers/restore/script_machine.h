#pragma once

#include <memory>
#include <string>

#include "reconcilers/restore/machine.h"

namespace etcdrestore {

/// Where things are on one machine for one run; from cluster.yml, the run and the plan.
struct MachinePlaces {
  std::string run;     ///< the run's short name: [A-Za-z0-9.-]+
  std::string prefix;  ///< prefix_path, "" for none
  std::string docker_socket = "/var/run/docker.sock";
};

/// Machine over a Node: feeds the scripts of reconcilers/restore/node/ and reads what they print.
/// Owns the node; as thread safe as the node is.
std::unique_ptr<Machine> MakeScriptMachine(std::unique_ptr<Node> node, std::string name,
                                           Holder holder, MachinePlaces places);

/// True for a command of such a Machine that changes no more of the node than who holds it.
bool OnlyLooks(const Command& command);

}  // namespace etcdrestore
