using System.Text.Json.Nodes;
using Convoy.Distributed;
using Convoy.Training.Checkpoints;
using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using Convoy.Training;
using Convoy.Training.Loops;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using Convoy.Torch.Amp;
using TorchSharp;
using static TorchSharp.torch;
using AdamW = TorchSharp.Modules.AdamW;
using Sequential = TorchSharp.Modules.Sequential;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of checkpoints: where a run stood, weights, the optimizer's state, pretrained weights.</summary>
internal static class CheckpointSubjects
{
    private const string Step = "checkpoints/step-000007";

    private static readonly string[] Words = ["\"F32\"", "\"F16\"", "\"BF16\"", "\"I64\"", "\"BOOL\"", "\"F8_E4M3\"", "[2,3]", "[0]", "[3,2]", "[0,0]", "[0,24]", "[24,0]", "[-1,8]", "[9223372036854775807,2]", "[4611686018427387904,2]", "[0,4611686018427387904,4]"];

    public static IEnumerable<Subject> Make() =>
    [
        new("checkpoint-state", FileForm.Json, Step + "/state.json")
        {
            Originals = () => [OfCheckpoint("state.json")],
            Tokens = ["\"ResNet18\"", "\"ResNet34\"", "\"800x360\"", "{\"scale\":65536}", "{\"scale\":null}", "6.5"],
            Prepare = folder => WriteCheckpoint(Path.Combine(folder, "checkpoints")),
            Read = ReadCheckpoint,
        },
        new("loop-checkpoint", FileForm.Json, Step + "/state.json")
        {
            Originals = () => [OfLoop()],
            Tokens = ["\"NaN\"", "{\"Best\":1}", "[0.1]", "[0.1,0.2]", "{\"scale\":null}", "-7", "{\"Present\":[1],\"Initial\":null}"],
            Prepare = folder => WriteLoop(Path.Combine(folder, "checkpoints")),
            Read = (folder, number) => UseLoop(Path.Combine(folder, "checkpoints"), checkpoints => checkpoints.Load(new LoopState(0, []))).Epochs >= 0,
        },
        new("model-weights", FileForm.JsonBehindLength, "model.safetensors")
        {
            Originals = () => [OfCheckpoint("model.safetensors")],
            Tokens = Words,
            Read = (folder, number) =>
            {
                using Sequential model = Model();
                ModelWeights.Load(model, Path.Combine(folder, "model.safetensors"));
                return true;
            },
        },
        new("optimizer-state", FileForm.JsonBehindLength, "optimizer.safetensors")
        {
            Originals = () => [OfCheckpoint("optimizer.safetensors")],
            Tokens = Words,
            Read = (folder, number) =>
            {
                using Sequential model = Model();
                using AdamW optimizer = Optimizer(model);
                OptimizerStateFile.Load(optimizer, [.. model.named_parameters().Select(parameter => parameter.name)], Path.Combine(folder, "optimizer.safetensors"));
                return true;
            },
        },
        new("pretrained-weights", FileForm.JsonBehindLength, "pretrained.safetensors")
        {
            Originals = () => [Pretrained()],
            Tokens = Words,
            Read = (folder, number) =>
            {
                using Sequential model = Encoder();
                return PretrainedEncoder.Load(model, Path.Combine(folder, "pretrained.safetensors")) > 0;
            },
        },
    ];

    private static Sequential Model()
    {
        random.manual_seed(1);
        return nn.Sequential(("first", nn.Linear(3, 2)), ("norm", nn.BatchNorm1d(2)));
    }

    private static Sequential Encoder()
    {
        random.manual_seed(1);
        return nn.Sequential(("conv1", nn.Conv2d(3, 2, 3, bias: false)), ("bn1", nn.BatchNorm2d(2)), ("layer1", nn.Linear(2, 2)), ("decoder", nn.Linear(2, 2)));
    }

    private static AdamW Optimizer(nn.Module model)
    {
        AdamW optimizer = optim.AdamW(model.parameters());
        foreach (Tensor parameter in model.parameters())
        {
            parameter.grad = zeros_like(parameter);
        }

        optimizer.step();
        return optimizer;
    }

    private static void WriteCheckpoint(string directory)
    {
        using Sequential model = Model();
        using AdamW optimizer = Optimizer(model);
        Checkpoint.Write(
            directory,
            model,
            optimizer,
            new Dictionary<string, Tensor> { ["cpu.rank0"] = zeros(4, ScalarType.Byte) },
            new CheckpointState
            {
                Step = 7,
                ElapsedTime = 12.5,
                GradScaler = new GradScaler().StateDict(),
                Metrics = new Dictionary<string, double> { ["accuracy"] = 0.5 },
                Task = new JsonObject { ["encoder"] = "ResNet18", ["image_size"] = "160x96", ["line_width"] = 3 },
            },
            keep: 1);
    }

    private static byte[] OfCheckpoint(string file) => InScratch(folder =>
    {
        WriteCheckpoint(folder);
        return System.IO.File.ReadAllBytes(Path.Combine(folder, Path.GetFileName(Step), file));
    });

    private static void WriteLoop(string directory) => UseLoop(directory, checkpoints =>
    {
        checkpoints.Save(7, new LoopState(7, [0.5, double.NaN]));
        return true;
    });

    // As a version before the sums would have written it: mutants get past their check.
    private static byte[] OfLoop() => InScratch(folder =>
    {
        WriteLoop(Path.Combine(folder, "checkpoints"));
        JsonObject state = JsonNode.Parse(System.IO.File.ReadAllText(Path.Combine(folder, Step, "state.json")))!.AsObject();
        state.Remove("sha256");
        return System.Text.Encoding.UTF8.GetBytes(state.ToJsonString());
    });

    private static T UseLoop<T>(string directory, Func<LoopCheckpoints, T> use)
    {
        using Sequential model = Model();
        using AdamW optimizer = Optimizer(model);
        using var average = new ExponentialMovingAverage(model);
        using var group = ProcessGroups.FromEnvironment();
        return use(new LoopCheckpoints(directory, group)
            .Add("model", model).Add("optimizer", optimizer).Add("scaler", new GradScaler()).Add("scheduler", optim.lr_scheduler.StepLR(optimizer, 2)).Add("average", average)
            .Add("stopping", new EarlyStopping(group)));
    }

    private static byte[] Pretrained() => InScratch(folder =>
    {
        using Sequential model = Encoder();
        string path = Path.Combine(folder, "pretrained.safetensors");
        ModelWeights.Save(model, path);
        return System.IO.File.ReadAllBytes(path);
    });

    private static byte[] InScratch(Func<string, byte[]> make)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("convoy-mutants-");
        try
        {
            return make(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // What a resumed run, convoy eval and convoy predict take from a checkpoint, without the large network.
    private static bool ReadCheckpoint(string folder, int number)
    {
        var checkpoint = Checkpoint.Find(number % 2 == 0 ? folder : Path.Combine(folder, Step));
        using Sequential model = Model();
        using AdamW optimizer = Optimizer(model);
        checkpoint.Restore(model, optimizer);
        _ = checkpoint.State.Metric(new MetricGoal("accuracy"));
        ImageSize size = checkpoint.ImageSize();
        using var painter = new MaskPainter(size with { Width = 32, Height = 32 }, checkpoint.LineWidth() ?? MaskPainter.DefaultLineWidth(size));
        using var group = ProcessGroups.FromEnvironment();
        new MixedPrecision(Precision.Fp16, group).Restore(checkpoint.State.GradScaler);
        return true;
    }

    private sealed record LoopState(int Epochs, double[] Losses);
}
