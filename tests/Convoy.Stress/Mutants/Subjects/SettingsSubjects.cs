using System.Text;
using System.Text.Json;
using Convoy.Cli.Training;
using Convoy.Lanes.Training;
using Convoy.Training;
using Convoy.Training.Measurement;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Studies;
using Convoy.Training.Tuning;
using TorchSharp;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of settings: of a run, of a study, of a trial.</summary>
internal static class SettingsSubjects
{
    private static readonly RunConfiguration Configuration = new(
        new TrainingOptions { Nproc = 2, Threads = 1, Steps = 10 }, LaneOptions.Table.ToJson(new LaneOptions { Data = "/data", LineWidth = 3.5, Cache = "/cache" }));

    private static readonly string[] Words =
        ["\"fp32\"", "\"bf16\"", "\"fp16\"", "\"Bf16\"", "\"ResNet18\"", "\"ResNet34\"", "\"Norm, Loss\"", "\"All\"", "\"None\"", "\"800x360\"", "\"32x32\"", "\"16385x32\"", "\"fuse\"", "31", "32", "8", "16"];

    private static StudySettings Study => new()
    {
        Processes = [1, 2],
        Threads = [0],
        Precisions = [Precision.Fp32, Precision.Bf16],
        BatchSize = 8,
        Machine = "a machine",
        Cores = 4,
        Training = Configuration,
    };

    public static IEnumerable<Subject> Make() =>
    [
        new("config-file", FileForm.Json, "settings.json")
        {
            Originals = () => [Encoding.UTF8.GetBytes(Configuration.ToJson().ToJsonString()), Encoding.UTF8.GetBytes("""{"nproc": 2, "precision": "bf16", "image_size": "96x64", /* small */ "lr": 0.001,}""")],
            Tokens = Words,
            Prepare = folder =>
            {
                DataSubjects.WriteFrames(Directory.CreateDirectory(Path.Combine(folder, "data")).FullName);
                System.IO.File.WriteAllText(Path.Combine(folder, "data", "label_data_1.json"), DataSubjects.Labels);
                Directory.CreateDirectory(Path.Combine(folder, "full", "something"));

                // Pretrained weights make a network, and libtorch's loading would count as the first such mutant's memory.
                torch.zeros(1).Dispose();
            },
            Read = ReadConfigFile,
        },
        new("run-config", FileForm.Json, "config.json")
        {
            Originals = () =>
            [
                Encoding.UTF8.GetBytes(Configuration.ToJson().ToJsonString()),
                Encoding.UTF8.GetBytes((Configuration with { Task = [], Program = ["dotnet", "/own/Own.dll", "--noise", "0.5"] }).ToJson().ToJsonString()),
            ],
            Tokens = [.. Words, "\"program\"", "[\"dotnet\"]", "[null]"],
            Read = ReadRunConfig,
        },
        new("study", FileForm.Json, "study.json")
        {
            Originals = () =>
            [
                JsonSerializer.SerializeToUtf8Bytes(Study, StudyJson.Default.StudySettings),
                JsonSerializer.SerializeToUtf8Bytes(Study with { Steps = 20, Weak = true, Threads = [1, 2] }, StudyJson.Default.StudySettings),
            ],
            Tokens = Words,
            Read = (folder, number) =>
            {
                StudySettings read = new StudyDirectory(folder).ReadSettings()!;
                _ = Study.Differences(read).Count;
                return true;
            },
        },
        new("step-measurement", FileForm.Json, "steps.json")
        {
            Originals = () => [JsonSerializer.SerializeToUtf8Bytes(new StepMeasurement(Configuration, 6, 2, Profile: true))],
            Tokens = Words,
            Read = (folder, number) => StepMeasurement.Read(folder) is { Configuration.Training: not null },
        },
        new("trial-allowance", FileForm.Json, "allowance.json")
        {
            Originals = () => [JsonSerializer.SerializeToUtf8Bytes(new TrialAllowance { SecondsEach = 2, SecondsLeft = 30, BestSampleSeconds = 0.5, Memory = new TrialMemory(1L << 30, [new MemoryPoint(1, Precision.Bf16, true, 4, 500_000_000)]) })],
            Read = (folder, number) =>
            {
                TrialAllowance allowance = new TrialFolder(folder).ReadAllowance();
                var judge = new TrialJudge(allowance);
                _ = judge.Judge([0.5, 0.6], new TrainingBatch(8, 2));
                judge.Finish([0.5, 0.6], new TrainingBatch(8, 2));
                _ = allowance.Memory is { } memory ? new MemoryGauge(memory, 0).Judge(new MemoryFamily(1, Precision.Bf16, true), 8) : default;
                return true;
            },
        },
    ];

    // The verb never trains here: its run directory has something in it.
    private static bool ReadConfigFile(string folder, int number)
    {
        string file = Path.Combine(folder, "settings.json");
        Use(ConfigFile.Read(file).Onto(new RunConfiguration(new TrainingOptions { Nproc = 1, Threads = 1 }, LaneOptions.Table.ToJson(new LaneOptions { Data = "/data" }))));
        try
        {
            ConvoyProgram.Run("train", "--config", file, "--data", Path.Combine(folder, "data"), "--out", Path.Combine(folder, "full"));
        }
        catch (ProgramRefusedException)
        {
            // For its run directory at the latest.
            return true;
        }

        throw new InvalidOperationException("the verb trained into a folder that is not empty");
    }

    private static bool ReadRunConfig(string folder, int number)
    {
        RunConfiguration configuration = new RunDirectory(folder).ReadConfig();
        Use(configuration);
        _ = configuration.Program.Count;
        _ = Configuration.With(configuration.ToJson(), " in the file");
        return true;
    }

    private static void Use(RunConfiguration configuration)
    {
        TrainingOptions training = configuration.Training.Resolve(cores: 4);
        training.Validate();
        _ = new TrainingPlan(training, 100);
        var options = new LaneOptions();
        LaneOptions.Table.Apply(options, configuration.Task);
        LaneOptions.Table.Validate(options, asOptions: true);
        _ = RecordedLaunch.Create(configuration, LaneOptions.Table, new Dictionary<string, string>()).Settings.Count;
    }
}
