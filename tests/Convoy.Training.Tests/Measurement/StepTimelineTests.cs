using Convoy.Training.Measurement;

namespace Convoy.Training.Tests.Measurement;

public sealed class StepTimelineTests
{
    private readonly ManualTime _time = new();
    private readonly StepTimeline _timeline;
    private ulong _sequence = 40;

    public StepTimelineTests()
    {
        _timeline = new StepTimeline(_time, () => _sequence);
        _timeline.StartStep();
    }

    [Fact]
    public void Rows_OfALayerWithinALayer_AreItsOperatorsAndItsOwnTime()
    {
        _timeline.EnterLayer("block");
        _time.Pass(1);
        _timeline.EnterLayer("block.conv");
        _time.Pass(2);
        Operator("aten::conv2d", 4, makesNode: true, inner: 8);
        _timeline.LeaveLayer();
        _time.Pass(16);
        _timeline.LeaveLayer();
        Operator("aten::sum", 32, makesNode: true);

        Assert.Equal(
            [
                new ProfileRow(StepTimeline.Loss, "aten::sum", 32, 0),
                new ProfileRow("block", StepTimeline.OutsideOperators, 17, 0),
                new ProfileRow("block.conv", "aten::conv2d", 12, 0),
                new ProfileRow("block.conv", StepTimeline.OutsideOperators, 2, 0),
            ],
            _timeline.Rows());
    }

    [Fact]
    public void Rows_OfTheBackwardPass_BelongToTheOperatorThatMadeTheNode()
    {
        _timeline.EnterLayer("conv");
        Operator("aten::conv2d", 1, makesNode: true);
        _sequence++; // a function written in C# makes a node without an operator
        _timeline.LeaveLayer();
        Operator("aten::sum", 2, makesNode: true);

        Node("SumBackward0", 42, 4);
        Node("Custom", 41, 8);
        Node("ConvolutionBackward0", 40, 16);
        Node("AccumulateGrad", ulong.MaxValue, 32);
        Operator("aten::sqrt", 64, makesNode: false);

        Assert.Equal(
            [
                new ProfileRow(StepTimeline.AfterBackward, "aten::sqrt", 64, 0),
                new ProfileRow(StepTimeline.Gradients, "AccumulateGrad", 0, 32),
                new ProfileRow("conv", "aten::conv2d", 1, 16),
                new ProfileRow("conv", StepTimeline.OutsideOperators, 0, 8),
                new ProfileRow(StepTimeline.Loss, "aten::sum", 2, 4),
            ],
            _timeline.Rows());
    }

    [Fact]
    public void Operators_ThatCallOthers_CountTheirOwnTimeOnly()
    {
        Operator("aten::conv2d", 3, makesNode: true, inner: 8);
        Operator("aten::conv2d", 3, makesNode: true, inner: 8);
        _timeline.StartStep();
        Operator("aten::conv2d", 6, makesNode: true);

        Assert.Equal([new OperatorTime("aten::inner", 8, 1), new OperatorTime("aten::conv2d", 6, 1.5)], _timeline.Operators());
    }

    [Fact]
    public void Layers_BeforeTheFirstStep_DoNotCount()
    {
        var timeline = new StepTimeline(_time, () => _sequence);
        timeline.EnterLayer("conv");
        timeline.End();
        timeline.LeaveLayer();

        Assert.Empty(timeline.Rows());
    }

    private void Operator(string name, int seconds, bool makesNode, int inner = 0)
    {
        _timeline.Start(name, backwardOf: null);
        _time.Pass(seconds);
        if (inner > 0)
        {
            _timeline.Start("aten::inner", backwardOf: null);
            _time.Pass(inner);
            _timeline.End();
        }

        _sequence += makesNode ? 1u : 0;
        _timeline.End();
    }

    private void Node(string name, ulong sequence, int seconds)
    {
        _timeline.Start($"autograd::engine::evaluate_function: {name}", backwardOf: null);
        _timeline.Start(name, sequence);
        _timeline.Start("aten::inner", backwardOf: null);
        _time.Pass(seconds);
        _timeline.End();
        _timeline.End();
        _timeline.End();
    }
}
