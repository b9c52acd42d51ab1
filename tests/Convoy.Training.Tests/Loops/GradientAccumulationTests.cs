using Convoy.Training.Loops;
using TorchSharp;
using static TorchSharp.torch;
using Linear = TorchSharp.Modules.Linear;

namespace Convoy.Training.Tests.Loops;

public sealed class GradientAccumulationTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Begin_SevenBatchesByThree_UpdatesAfterEachThirdAndTheLast()
    {
        var accumulation = new GradientAccumulation(3);
        var updates = new List<int>();
        for (int batch = 1; batch <= 14; batch++)
        {
            using (accumulation.Begin(isLast: batch % 7 == 0))
            {
                Assert.Equal(batch % 7 is 3 or 6 or 0, accumulation.IsUpdate);
            }

            if (accumulation.IsUpdate)
            {
                updates.Add(batch);
            }
        }

        // The second epoch counts from its own beginning.
        Assert.Equal([3, 6, 7, 10, 13, 14], updates);
    }

    [Fact]
    public void Begin_BatchesBeforeTheUpdate_AreWithoutSync()
    {
        int inside = 0, entered = 0;
        var accumulation = new GradientAccumulation(2, () =>
        {
            (inside, entered) = (inside + 1, entered + 1);
            return new Leave(() => inside--);
        });
        int[] seen = new int[4];
        for (int batch = 0; batch < 4; batch++)
        {
            using (accumulation.Begin())
            {
                seen[batch] = inside;
            }
        }

        Assert.Equal([1, 0, 1, 0], seen);
        Assert.Equal((0, 2), (inside, entered));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Scale_BatchesOfAnUpdate_AddUpToTheGradientsOfTheWhole(int steps)
    {
        random.manual_seed(3);
        Linear model = nn.Linear(5, 2, dtype: ScalarType.Float64);
        Tensor input = randn([8, 5], ScalarType.Float64);
        model.call(input).square().mean().backward();
        Tensor whole = model.weight!.grad!.clone();
        model.zero_grad();

        var accumulation = new GradientAccumulation(steps);
        foreach (Tensor part in input.chunk(steps))
        {
            using (accumulation.Begin())
            {
                accumulation.Scale(model.call(part).square().mean()).backward();
            }
        }

        Assert.True(accumulation.IsUpdate);
        Assert.True(model.weight.grad!.allclose(whole, 1e-13, 1e-14));
    }

    [Fact]
    public void Make_NoSteps_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new GradientAccumulation(0));

    private sealed class Leave(Action act) : IDisposable
    {
        public void Dispose() => act();
    }
}
