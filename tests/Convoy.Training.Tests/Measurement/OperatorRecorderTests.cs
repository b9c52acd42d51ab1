using System.Runtime.InteropServices;
using Convoy.Training.Measurement;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Measurement;

public sealed class OperatorRecorderTests : IOperatorListener
{
    private readonly List<(string Name, ulong? BackwardOf)> _started = [];
    private int _open;

    [Fact]
    public void Tell_AForwardAndABackwardPass_TiesNodesToOperators()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "Operators are recorded on Linux x64 only.");
        using var scope = NewDisposeScope();
        using var recorder = new OperatorRecorder();
        Tensor x = ones(2, requires_grad: true);
        recorder.Tell(this);

        ulong first = recorder.NextSequence;
        Tensor y = x.neg();
        ulong second = recorder.NextSequence;
        Tensor sum = y.sum();
        sum.backward();
        recorder.Tell(null);
        int told = _started.Count;
        x.neg().Dispose();

        Assert.Equal(0, _open);
        Assert.Equal(first + 1, second);
        Assert.Contains(("aten::neg", null), _started);
        Assert.Contains(("NegBackward0", first), _started);
        Assert.Contains(("SumBackward0", second), _started);
        Assert.Equal(told, _started.Count);
    }

    void IOperatorListener.Start(string name, ulong? backwardOf)
    {
        _started.Add((name, backwardOf));
        _open++;
    }

    void IOperatorListener.End() => _open--;
}
