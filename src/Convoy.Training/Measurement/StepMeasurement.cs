using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Distributed;
using Convoy.Metrics;
using Convoy.Torch.Convolution;
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
    private const int FirstStep = 1, Probes = 5;

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
    /// <param name="takeSteps">Takes the steps: tells what the choice of kernels has to say, then of the model, then of each step.</param>
    /// <param name="group">The ranks.</param>
    /// <returns>What was measured; of rank 0 also the steps.</returns>
    internal StepRun Run(Action<Action<string>, Action<nn.Module>, Action<StepMetrics>> takeSteps, ProcessGroup group)
    {
        var ranks = new RankAgreement(group);
        double peak = ranks.Sum(Peak(group));
        using OperatorRecorder? recorder = Profile && group.Rank == 0 ? new OperatorRecorder() : null;
        StepTimeline? timeline = recorder is null ? null : new StepTimeline(TimeProvider.System, () => recorder.NextSequence);
        NetworkWork? work = null;
        NetworkKernels? kernels = null;
        IReadOnlyList<LayerKernel> chosen = [];
        var notes = new List<string>();
        var probe = new MachineProbe(TimeProvider.System);
        double before = 0;
        var steps = new List<StepMetrics>();
        takeSteps(
            notes.Add,
            model =>
            {
                kernels = NetworkKernels.Watch(model);
                work = NetworkWork.Count(model, Configuration.Training.LocalBatchSize);
                if (timeline is not null)
                {
                    LayerHooks.Attach(model, timeline);
                }
            },
            step =>
            {
                work!.Complete();
                chosen = step.Step == FirstStep ? kernels!.Complete() : chosen;
                if (step.Step > WarmUp)
                {
                    steps.Add(step);
                }

                if (step.Step == WarmUp)
                {
                    before = Probe(probe, group);
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
        double after = Probe(probe, group);
        long memory = (long)ranks.Largest(ProcessUsage.Read().PeakMemoryBytes ?? 0);
        return new StepRun(steps, peak, memory, work!.Layers, timeline?.Rows(), timeline?.Operators())
        {
            Kernels = chosen, Notes = notes, ProbeBefore = before, ProbeAfter = after,
        };
    }

    // Of several, since one can be interrupted; all ranks together, since a core alone can be faster.
    private static double Probe(MachineProbe probe, ProcessGroup group)
    {
        group.Barrier();
        double[] speeds = [.. Enumerable.Range(0, Probes).Select(_ => probe.FlopsPerSecond()).Order()];
        return speeds[Probes / 2];
    }

    private double Peak(ProcessGroup group)
    {
        group.Barrier();
        return ArithmeticPeak.FlopsPerSecond(MatrixMultiplyMeter.TypeOf(Configuration.Training.Precision));
    }
}
