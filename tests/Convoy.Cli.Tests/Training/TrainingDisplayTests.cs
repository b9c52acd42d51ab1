using Convoy.Cli.Training;
using Convoy.Metrics;
using Convoy.Training.Runs;
using Spectre.Console;

namespace Convoy.Cli.Tests.Training;

public sealed class TrainingDisplayTests
{
    [Theory]
    [InlineData(0, 1, 8, "step 3/10  epoch 3/10  loss 0.5000  8.00 images/s  0 % waiting  0:07 left")]
    [InlineData(-2, 1, 8, "step 3/10  epoch 3/10  loss 0.5000  8.00 images/s  0 % waiting  0:07 left")]
    [InlineData(5, double.PositiveInfinity, 8, "step 3/10  epoch 1/2  loss 0.5000  0.00 images/s  0 % waiting  time left unknown")]
    [InlineData(5, 1e300, 8, "step 3/10  epoch 1/2  loss 0.5000  0.00 images/s  0 % waiting  time left unknown")]
    [InlineData(5, 1, int.MaxValue, "step 3/10  epoch 1/2  loss 0.5000  2147483647.00 images/s  0 % waiting  0:07 left")]
    public void Show_NumbersThatNoRunHas_AreShownForWhatTheyAre(int stepsPerEpoch, double seconds, int batchSize, string expected)
    {
        using var written = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(written) });
        console.Profile.Width = 4096;
        using var display = new TrainingDisplay(console, TimeProvider.System, "image");

        display.Show(new TrainingEvent { Started = new TrainingStart(0, 10, stepsPerEpoch) });
        display.Show(new TrainingEvent { Step = Step(3, seconds, batchSize) });

        Assert.Equal(expected, written.ToString().TrimEnd());
    }

    [Fact]
    public void Show_BatchesThatAddUpBeyondAnInt_AreAddedUp()
    {
        using var written = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(written) });
        console.Profile.Width = 4096;
        using var display = new TrainingDisplay(console, TimeProvider.System, "image");

        display.Show(new TrainingEvent { Started = new TrainingStart(0, 3, 5) });
        display.Show(new TrainingEvent { Step = Step(2, 1, int.MaxValue) });
        display.Show(new TrainingEvent { Step = Step(3, 1, int.MaxValue) });

        Assert.Contains("step 3/3  epoch 1/1  loss 0.5000  2147483647.00 images/s", written.ToString(), StringComparison.Ordinal);
    }

    private static StepMetrics Step(long number, double seconds, int batchSize) => new()
    {
        Timestamp = DateTimeOffset.UnixEpoch,
        Rank = 0,
        Step = number,
        Loss = 0.5,
        BatchSize = batchSize,
        LearningRate = 0.001,
        ElapsedTime = 1,
        StepTime = seconds,
    };
}
