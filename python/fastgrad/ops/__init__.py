"""One function per operation: the result with numpy or a kernel, and the rule of its gradient beside it."""
