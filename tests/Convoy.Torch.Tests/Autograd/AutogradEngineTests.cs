using System.Runtime.InteropServices;
using Convoy.Torch.Autograd;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Autograd;

public sealed class AutogradEngineTests : IDisposable
{
    private readonly DisposeScope _scope;

    public AutogradEngineTests()
    {
        Assert.SkipUnless(AutogradEngine.IsSupported, AutogradEngine.Fault ?? "");
        _scope = NewDisposeScope();
    }

    public void Dispose() => _scope?.Dispose();

    [Fact]
    public void QueueCallback_FromAHook_RunsOnceAfterAllGradientsAndBeforeBackwardReturns()
    {
        Tensor first = ones(3, requires_grad: true), second = ones(3, requires_grad: true);
        var calls = new List<double>();
        int thread = 0;
        using var hook = new GradientHook(second, () => AutogradEngine.QueueCallback(() =>
        {
            calls.Add(first.grad!.sum().item<float>() + second.grad!.sum().item<float>());
            thread = Environment.CurrentManagedThreadId;
        }));

        (second * (first * 2)).sum().backward();

        Assert.Equal([12.0], calls);
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
    }

    [Fact]
    public void QueueCallback_FromACallback_RunsAfterIt()
    {
        Tensor weight = ones(1, requires_grad: true);
        var order = new List<int>();
        using var hook = new GradientHook(weight, () =>
        {
            AutogradEngine.QueueCallback(() =>
            {
                order.Add(1);
                for (int i = 3; i < 40; i++)
                {
                    int number = i;
                    AutogradEngine.QueueCallback(() => order.Add(number)); // The list that the engine keeps them in grows, and moves.
                }
            });
            AutogradEngine.QueueCallback(() => order.Add(2));
        });

        weight.sum().backward();

        Assert.Equal(Enumerable.Range(1, 39), order);
    }

    [Fact]
    public void QueueCallback_CallbackThrows_BackwardThrowsItsMessageAndTheNextPassIsWhole()
    {
        Tensor weight = ones(2, requires_grad: true);
        bool fails = true;
        using var hook = new GradientHook(weight, () => AutogradEngine.QueueCallback(() =>
        {
            if (fails)
            {
                throw new InvalidOperationException("rank 1 did not come (ä, 日本). Restart the job.");
            }
        }));

        ExternalException error = Assert.Throws<ExternalException>(() => weight.sum().backward());
        Assert.Equal("rank 1 did not come (ä, 日本). Restart the job.", error.Message);
        fails = false;
        weight.sum().backward();

        Assert.Equal(2.0, weight.grad![0].item<float>());
    }

    [Fact]
    public void FailPass_ManyTimes_LeavesNothingBehind()
    {
        Tensor weight = ones(2, requires_grad: true);
        using var hook = new GradientHook(weight, () => AutogradEngine.FailPass(new InvalidOperationException(new string('x', 100_000))));
        long before = 0;
        for (int i = 0; i < 1100; i++)
        {
            Assert.Equal(100_000, Assert.Throws<ExternalException>(() => weight.sum().backward()).Message.Length);
            if (i == 100)
            {
                before = Environment.WorkingSet;
            }
        }

        // 1,000 messages are 100 MB. TorchSharp leaks its own copy of each; a second one would be the error's.
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 150_000_000);
    }

    [Fact]
    public void FailPass_HookThrows_BackwardThrowsAndTheGradientIsThere()
    {
        Tensor weight = ones(2, requires_grad: true);
        using var hook = new GradientHook(weight, () => throw new ArgumentException("no good"));
        Assert.Equal("no good", Assert.Throws<ExternalException>(() => (weight * 3).sum().backward()).Message);
        Assert.Equal(3.0, weight.grad![1].item<float>());
    }

    [Fact]
    public void QueueCallback_NoPass_Throws()
    {
        Assert.Equal(-1, AutogradEngine.CurrentPass);
        Assert.Contains("no backward pass", Assert.Throws<InvalidOperationException>(() => AutogradEngine.QueueCallback(() => { })).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => AutogradEngine.FailPass(new InvalidOperationException("x")));
    }

    [Fact]
    public void IsWholePass_PassForGivenInputs_IsFalse()
    {
        Tensor weight = ones(2, requires_grad: true), input = ones(2, requires_grad: true);
        var seen = new List<bool>();
        using var hook = new GradientHook(weight, () => seen.Add(AutogradEngine.IsWholePass));
        (weight * input).sum().backward();
        autograd.grad([(weight * input).sum()], [weight]);
        autograd.backward([(weight * input).sum()], inputs: [weight]);
        Assert.Equal([true, false, false], seen);
    }

    [Fact]
    public void IsNestedPass_PassInsideAPass_IsTrueAtTheEndOfTheInnerOnly()
    {
        Tensor inner = ones(2, requires_grad: true), outer = ones(2, requires_grad: true);
        var seen = new List<(int Pass, bool IsNested)>();
        using var innerHook = new GradientHook(inner, () => AutogradEngine.QueueCallback(() => seen.Add((AutogradEngine.CurrentPass, AutogradEngine.IsNestedPass))));
        using var outerHook = new GradientHook(outer, () => AutogradEngine.QueueCallback(() => seen.Add((AutogradEngine.CurrentPass, AutogradEngine.IsNestedPass))));
        BackwardInBackward.apply(outer * 2, () => (inner * 5).sum().backward()).sum().backward();
        Assert.Equal([true, false], seen.Select(s => s.IsNested));
        Assert.True(seen[0].Pass > seen[1].Pass);
    }

    private sealed class BackwardInBackward : autograd.SingleTensorFunction<BackwardInBackward>
    {
        public override string Name => nameof(BackwardInBackward);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data("action", vars[1]);
            return ((Tensor)vars[0]).clone();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using (enable_grad())
            {
                ((Action)ctx.get_data("action"))();
            }

            return [grad_output.clone(), null!];
        }
    }
}
