#include "operator/cli/commands.h"

int main(int argc, char** argv) { return etcdrestore::RunCommandLine(argc, argv); }
