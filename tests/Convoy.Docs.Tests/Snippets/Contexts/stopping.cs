// A program whose ranks are told of signals: its checkpoints and its training are there.
using Convoy.Distributed;
using Convoy.Training.Loops;
using TorchSharp;
using static TorchSharp.torch;

internal static class Context
{
    public static int Run(LoopCheckpoints checkpoints, int epochs, Action<int> train)
    {
        // snippet
    }
}
