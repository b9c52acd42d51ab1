using Convoy.Distributed.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// <c>ForgottenBackward WHERE</c>: a program that relies on <c>loss.backward()</c> where it does not average, and updates its weights: at the next <c>forward</c>, at <c>state</c> or at
/// <c>dispose</c> it is told. With <c>remembers</c> it calls <c>Backward</c> and ends well.
/// </summary>
internal static class ForgottenBackward
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        using var scope = NewDisposeScope();
        using Linear network = nn.Linear(4, 2);
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group, new DistributedDataParallelOptions { AverageInBackward = false });
        using optim.Optimizer optimizer = optim.SGD(model.parameters(), 0.1);
        int steps = args[0] is "forward" or "remembers" ? 3 : 1;
        for (int step = 0; step < steps; step++)
        {
            optimizer.zero_grad();
            Tensor loss = model.call(ones(3, 4) * (group.Rank + 1)).square().mean();
            if (args[0] == "remembers")
            {
                model.Backward(loss);
            }
            else
            {
                loss.backward();
            }

            optimizer.step();
        }

        if (args[0] is "state" or "remembers")
        {
            model.state_dict();
        }
    }
}
