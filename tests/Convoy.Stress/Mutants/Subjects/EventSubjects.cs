using System.Text;
using System.Text.Json.Nodes;
using Convoy.Cli;
using Convoy.Cli.Training;
using Convoy.Distributed.Launch;
using Convoy.Metrics;
using Convoy.Training;
using Convoy.Training.Measurement;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Runs;
using Convoy.Training.Tuning;
using Convoy.Training.Workers;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of what processes tell each other: lines on standard output, and the file with a worker's error.</summary>
internal static class EventSubjects
{
    public static IEnumerable<Subject> Make() =>
    [
        new("training-events", FileForm.Json, "events.jsonl")
        {
            Originals = () => [Encoding.UTF8.GetBytes(string.Join('\n', Events().Select(what => what.ToLine())) + "\n")],
            Read = ReadEvents,
        },
        new("trial-events", FileForm.Json, "trials.jsonl")
        {
            Originals = () => [Encoding.UTF8.GetBytes(string.Join('\n', Trials().Select(what => what.ToLine())) + "\n")],
            Tokens = ["\"Measured\"", "\"GivenUp\"", "\"NotTried\"", "\"Failed\"", "\"OverMemory\"", "\"Measured,GivenUp\""],
            Read = ReadTrials,
        },
        new("task-description", FileForm.Json, "description.jsonl")
        {
            Originals = () => [Encoding.UTF8.GetBytes(Description.ToLine() + "\n")],
            Tokens = ["\"fp32\"", "\"bf16\"", "\"all\"", "\"norm, loss\"", "2147483647"],
            Read = ReadDescription,
        },
        new("step-run", FileForm.Json, "steps.jsonl")
        {
            Originals = () => [Encoding.UTF8.GetBytes(Measured.ToLine() + "\n")],
            Read = (folder, number) => StepRun.FromLine(System.IO.File.ReadAllText(Path.Combine(folder, "steps.jsonl"))) is not null,
        },
        new("worker-error", FileForm.Json, "error.json")
        {
            Originals = () =>
            [
                Encoding.UTF8.GetBytes("""{"message":{"message":"no data","extraInfo":{"py_callstack":"System.Exception: no data\n   at A.B()","timestamp":"1700000000","peer_lost":false}}}"""),
                Encoding.UTF8.GetBytes("""{"message":"only text"}"""),
            ],
            Read = ReadError,
        },
    ];

    private static TaskDescription Description => new()
    {
        Name = "ShapesTask",
        SampleNoun = "picture",
        Samples = 2048,
        Prepares = false,
        Data = "2048 pictures",
        Settings = new JsonObject { ["pictures"] = 2048 },
        Defaults = (new TrainingOptions { BatchSize = 32, Epochs = 4, Lr = 0.002 }).ToJson(),
    };

    private static StepRun Measured => new(
        [.. Events().Select(what => what.Step).OfType<StepMetrics>()], 200e9, 1 << 30, [new LayerWork("conv", 50e9, 100e9)], [new ProfileRow("conv", "aten::conv2d", 0.1, 0.2)], [new OperatorTime("aten::conv2d", 0.3, 1)]);

    private static IEnumerable<TrainingEvent> Events()
    {
        yield return new TrainingEvent { Started = new TrainingStart(2, 10, 5) };
        for (int step = 3; step < 6; step++)
        {
            yield return new TrainingEvent
            {
                Step = new StepMetrics
                {
                    Timestamp = new DateTimeOffset(2025, 3, 1, 12, 0, step, TimeSpan.Zero),
                    Rank = 0,
                    Step = step,
                    Loss = 0.5,
                    BatchSize = 8,
                    LearningRate = 0.0005,
                    ElapsedTime = step,
                    StepTime = 1,
                    DataTime = 0.1,
                    WaitTime = 0.1,
                },
            };
        }

        yield return new TrainingEvent { Checkpoint = "/run/checkpoints/step-000005" };
    }

    private static bool ReadEvents(string folder, int number)
    {
        using var display = new TrainingDisplay(ConsoleOutput.People(), TimeProvider.System, "image");
        int understood = 0;
        foreach (string line in System.IO.File.ReadLines(Path.Combine(folder, "events.jsonl")))
        {
            if (TrainingEvent.FromLine(line) is { } what)
            {
                display.Show(what);
                understood++;
            }
        }

        return understood > 0;
    }

    private static IEnumerable<TrialEvent> Trials() => 
    [
        new(0, LocalBatchSize: 2, PeakMemoryBytes: 300_000_000), new(0, 0.5), new(0, 0.55), new(0, End: nameof(TrialEnd.Measured), PeakMemoryBytes: 500_000_000),
        new(1, 0.9), new(1, End: nameof(TrialEnd.GivenUp)),
    ];

    private static bool ReadTrials(string folder, int number)
    {
        var results = new TrialResults([new TuningConfiguration(1, 2, Precision.Fp32, false, 4, new TrainingBatch(8, 2)), new TuningConfiguration(1, 2, Precision.Bf16, true, 4, null)], new TrainingOptions(), leastSteps: 2);
        int understood = 0;
        foreach (string line in System.IO.File.ReadLines(Path.Combine(folder, "trials.jsonl")))
        {
            if (TrialEvent.FromLine(line) is { } what)
            {
                results.Add(what);
                understood++;
            }
        }

        _ = results.Conclude(failure: null).Count;
        _ = results.Conclude("rank 0 exited with code 1").Count;
        return understood > 0;
    }

    private static bool ReadDescription(string folder, int number)
    {
        if (TaskDescription.FromLine(System.IO.File.ReadAllText(Path.Combine(folder, "description.jsonl"))) is not { } description)
        {
            return false;
        }

        TrainingOptions defaults = description.TrainingDefaults();
        defaults.Resolve(cores: 4).Validate();
        _ = new RunConfiguration(defaults, description.Settings).ToJson();
        return true;
    }

    private static bool ReadError(string folder, int number)
    {
        WorkerError? error = WorkerErrorFile.Read(Path.Combine(folder, "error.json"));
        if (error is null)
        {
            return false;
        }

        var failure = new WorkerFailure(1, 100, 1, null, [], error.Message) { Callstack = error.Callstack, LostPeer = error.PeerLost, Time = error.Time };
        _ = FailureText.Describe(failure);
        return true;
    }
}
