using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Distributed;
using Convoy.Metrics;
using Convoy.Training.Options;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Measurement;

/// <summary>What the processes of one run of <c>bench step</c> do.</summary>
/// <param name="Configuration">The run's settings.</param>
/// <param name="Steps">Steps to take, those of the warm-up among them.</param>
/// <param name="WarmUp">Steps that are not measured, at least 1.</param>
/// <param name="Profile">Whether rank 0 records layers and operators, which costs a little time.</param>
/// <param name="CopyRounds">Rounds in which ranks are set beside independent copies, after those steps; 0 for none.</param>
public sealed record StepMeasurement(RunConfiguration Configuration, int Steps, int WarmUp, bool Profile, int CopyRounds = 0)
{
    private const string FileName = "steps.json";

    /// <summary>Writes what to do into the folder of the measurement.</summary>
    public void Write(string folder) => File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this));

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="BadInputException">It is not there, or not as it was written.</exception>
    public static StepMeasurement Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            return JsonSerializer.Deserialize<StepMeasurement>(File.ReadAllText(path)) ?? throw new JsonException("it is empty");
        }
        catch (Exception error) when (error is JsonException or IOException)
        {
            throw new BadInputException("no measurement of steps", path, $"Start 'convoy bench step', which starts its processes itself: {error.Message}", error);
        }
    }

    /// <summary>Measures on one rank; all ranks call it together.</summary>
    /// <param name="takeSteps">Takes the steps: tells first of the model, then of each step.</param>
    /// <param name="group">The ranks.</param>
    /// <returns>What was measured; of rank 0 also the steps.</returns>
    internal StepRun Run(Action<Action<nn.Module>, Action<StepMetrics>> takeSteps, ProcessGroup group)
    {
        double peak = Agree(MatrixPeak(group), ReduceOp.Sum, group);
        using OperatorRecorder? recorder = Profile && group.Rank == 0 ? new OperatorRecorder() : null;
        StepTimeline? timeline = recorder is null ? null : new StepTimeline(TimeProvider.System, () => recorder.NextSequence);
        NetworkWork? work = null;
        var steps = new List<StepMetrics>();
        takeSteps(
            model =>
            {
                work = NetworkWork.Count(model, Configuration.Training.LocalBatchSize);
                if (timeline is not null)
                {
                    LayerHooks.Attach(model, timeline);
                }
            },
            step =>
            {
                work!.Complete();
                if (step.Step > WarmUp)
                {
                    steps.Add(step);
                }

                if (step.Step == Steps)
                {
                    recorder?.Tell(null);
                }
                else if (step.Step >= WarmUp && timeline is not null)
                {
                    timeline.StartStep();
                    recorder!.Tell(timeline);
                }
            });
        long memory = (long)Agree(ProcessUsage.Read().PeakMemoryBytes ?? 0, ReduceOp.Max, group);
        return new StepRun(steps, peak, memory, work!.Layers, timeline?.Rows(), timeline?.Operators());
    }

    private double MatrixPeak(ProcessGroup group)
    {
        group.Barrier();
        return MatrixMultiplyMeter.FlopsPerSecond(MatrixMultiplyMeter.TypeOf(Configuration.Training.Precision));
    }

    private static double Agree(double value, ReduceOp op, ProcessGroup group)
    {
        using Tensor shared = tensor([value], ScalarType.Float64);
        group.AllReduce(shared, op);
        return shared[0].item<double>();
    }
}
