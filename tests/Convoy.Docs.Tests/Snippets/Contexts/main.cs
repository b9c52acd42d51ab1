// The Main of a program whose training is a method.
using Convoy.Distributed;
using Convoy.Distributed.Launch;

// snippet

static void Train(ProcessGroup group) => group.Barrier();
