#pragma once

#include <memory>
#include <string>

#include "operator/session/session.h"

namespace etcdrestore {

enum class ViewKind { kPlain, kTerminal, kJson };

/// Shows a run to a person or a program while it goes on, then how it ended. Progress goes to
/// stderr, the result to stdout; with kJson stdout is JSON lines, one event a line, the last one
/// the status document.
class ResultView : public RunListener {
 public:
  virtual void ShowResult(const SessionResult& result, RunMode mode) = 0;
};

std::unique_ptr<ResultView> MakeView(ViewKind kind);

/// kTerminal when stderr is a terminal that can redraw, else kPlain.
ViewKind DefaultView();

}  // namespace etcdrestore
