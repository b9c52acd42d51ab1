using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using Convoy.Torch.Nn;

namespace Convoy.Lanes.Training;

/// <summary>
/// Everything that decides what a training run computes; a run directory's <c>config.json</c>. The defaults are the
/// study's: AdamW, learning rate 0.0005 scaled with the processes, weight decay 0.0001, accumulation 2, clipping 0.5,
/// global batch 8.
/// </summary>
public sealed record TrainingOptions
{
    // Far beyond any run, and far enough below the largest number that nothing computed of it overflows.
    private const long MostSteps = 1L << 50;

    /// <summary>The training data: a folder in TuSimple's layout.</summary>
    public required string Data { get; init; }

    /// <summary>The validation data: a folder, or null to hold out <see cref="ValSplit"/> of <see cref="Data"/>.</summary>
    public string? Val { get; init; }

    /// <summary>The share of <see cref="Data"/> to hold out when there is no <see cref="Val"/>: its last clips. 0 to below 1, 0 for none. Default 0.2.</summary>
    public double ValSplit { get; init; } = 0.2;

    /// <summary>How many processes train; at least 1. Each computes <see cref="BatchSize"/> / Nproc images of a step.</summary>
    public required int Nproc { get; init; }

    /// <summary>libtorch's threads in each process; at least 1.</summary>
    public required int Threads { get; init; }

    /// <summary>The encoder's depth. Default ResNet18.</summary>
    public EncoderDepth Encoder { get; init; } = EncoderDepth.ResNet18;

    /// <summary>The size that the network sees. Default 800x360.</summary>
    [JsonConverter(typeof(ImageSizeJsonConverter))]
    public ImageSize ImageSize { get; init; } = ImageSize.Network;

    /// <summary>The width of a lane in the masks, in pixels at <see cref="ImageSize"/>, above 0 and up to 200; null for that of 5 pixels at 1280x720.</summary>
    public double? LineWidth { get; init; }

    /// <summary>Images of one step over all processes; a multiple of <see cref="Nproc"/>. Default 8.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Passes over the training data; at least 1. Default 20. <see cref="Steps"/> takes its place where given.</summary>
    public int Epochs { get; init; } = 20;

    /// <summary>Steps of the run, at least 1, or null for <see cref="Epochs"/>.</summary>
    public long? Steps { get; init; }

    /// <summary>Steps after which the learning rate reaches 0; null for the run's own length. Longer than the run when the run is to be continued.</summary>
    public long? ScheduleSteps { get; init; }

    /// <summary>The base learning rate; above 0. Default 0.0005.</summary>
    public double Lr { get; init; } = 0.0005;

    /// <summary>Whether the base learning rate is multiplied by <see cref="Nproc"/>, as in the study. Default true.</summary>
    public bool ScaleLr { get; init; } = true;

    /// <summary>Updates over which the learning rate rises to its base; null for a twentieth of the schedule, at most 500.</summary>
    public long? WarmupUpdates { get; init; }

    /// <summary>AdamW's weight decay; at least 0. Default 0.0001.</summary>
    public double WeightDecay { get; init; } = 0.0001;

    /// <summary>Steps whose gradients are averaged into one update; at least 1. Default 2.</summary>
    public int Accumulate { get; init; } = 2;

    /// <summary>The largest norm of all gradients together, 0 for no clipping. Default 0.5.</summary>
    public double Clip { get; init; } = 0.5;

    /// <summary>The type of convolutions and matrix products. Default fp32.</summary>
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>Which groups of operations run as one kernel. Default all.</summary>
    public FusedOperations Fuse { get; init; } = FusedOperations.All;

    /// <summary>Whether batch norm takes its statistics over the whole global batch. Default true. Without it each process normalises its own share.</summary>
    public bool SyncBn { get; init; } = true;

    /// <summary>Whether training frames are changed at random. Default true.</summary>
    public bool Augment { get; init; } = true;

    /// <summary>Loader threads of each process; 0 to 256. Default 4.</summary>
    public int Workers { get; init; } = 4;

    /// <summary>A folder for decoded frames, or null for no cache.</summary>
    public string? Cache { get; init; }

    /// <summary>A safetensors file with the encoder's weights under torchvision's names, or null to start from scratch.</summary>
    public string? Pretrained { get; init; }

    /// <summary>Steps between checkpoints, 0 for only the last. Default 0. Taken at the first update at or after it.</summary>
    public long CheckpointEvery { get; init; }

    /// <summary>How many checkpoints to keep; 0 writes none, for a run that is only measured. Default 2.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>The seed of weights, order and random changes. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Whether images and features lie with their channels innermost (PyTorch's <c>channels_last</c>); which is faster depends on the processor.</summary>
    public bool ChannelsLast { get; init; }

    /// <summary>Seconds that a process waits for the others before the run fails; above 0. Default 600.</summary>
    public double TimeoutSeconds { get; init; } = 600;

    /// <summary>Images of one step in each process.</summary>
    [JsonIgnore]
    public int LocalBatchSize => BatchSize / Nproc;

    /// <summary>The learning rate after <see cref="ScaleLr"/>.</summary>
    [JsonIgnore]
    public double PeakLr => ScaleLr ? Lr * Nproc : Lr;

    /// <summary>The names of all options as <c>config.json</c> has them, in order.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. TrainingJson.Default.TrainingOptions.Properties.Where(property => property.Get is not null).Select(property => property.Name)];

    /// <summary>The options as <c>config.json</c> has them.</summary>
    public JsonObject ToJson() => JsonSerializer.SerializeToNode(this, TrainingJson.Default.TrainingOptions)!.AsObject();

    /// <summary>These options with the values of <paramref name="values"/> in place of their own.</summary>
    /// <param name="values">Values by their names in <see cref="Names"/>; not all need be there.</param>
    /// <exception cref="JsonException">A name is unknown, or a value is not of its option's kind; the path says which.</exception>
    /// <exception cref="BadInputException">An image size is none.</exception>
    public TrainingOptions With(JsonObject values)
    {
        ArgumentNullException.ThrowIfNull(values);
        JsonObject merged = ToJson();
        foreach ((string name, JsonNode? value) in values)
        {
            merged[name] = value?.DeepClone();
        }

        return merged.Deserialize(TrainingJson.Default.TrainingOptions)!;
    }

    /// <summary>Refuses values outside their ranges and those that do not go together.</summary>
    /// <exception cref="BadInputException">The first value that is wrong.</exception>
    public void Validate()
    {
        Require(Nproc >= 1, "not a number of processes", Nproc, "Give --nproc 1 or more.");
        Require(Threads >= 1, "not a number of threads", Threads, "Give --threads 1 or more, or auto.");
        Require(BatchSize >= 1, "not a batch size", BatchSize, "Give --batch-size 1 or more.");
        Require(
            BatchSize % Nproc == 0,
            "the global batch cannot be shared out equally",
            string.Create(CultureInfo.InvariantCulture, $"batch size {BatchSize} over {Nproc} processes"),
            string.Create(CultureInfo.InvariantCulture, $"Give --batch-size {Nproc * ((BatchSize / Nproc) + 1)}, or a number of processes that divides {BatchSize}."));
        Require(Epochs >= 1, "not a number of epochs", Epochs, "Give --epochs 1 or more.");
        Require(Steps is null or >= 1, "not a number of steps", Steps ?? 0, "Give --steps 1 or more.");
        Require(Steps is null or <= MostSteps, "too many steps", Steps ?? 0, $"Give --steps 1 to {MostSteps}.");
        Require(ScheduleSteps is null or >= 1, "not a number of steps", ScheduleSteps ?? 0, "Give --schedule-steps 1 or more.");
        Require(ScheduleSteps is null or <= MostSteps, "too many steps", ScheduleSteps ?? 0, $"Give --schedule-steps 1 to {MostSteps}.");
        Require(Lr > 0 && double.IsFinite(Lr), "not a learning rate", Lr, "Give --lr a number above 0.");
        Require(WarmupUpdates is null or >= 0, "not a number of updates", WarmupUpdates ?? 0, "Give --warmup-updates 0 or more.");
        Require(WarmupUpdates is null or <= MostSteps, "too many updates", WarmupUpdates ?? 0, $"Give --warmup-updates 0 to {MostSteps}.");
        Require(WeightDecay >= 0 && double.IsFinite(WeightDecay), "not a weight decay", WeightDecay, "Give --weight-decay a number from 0.");
        Require(Accumulate >= 1, "not a number of steps to accumulate", Accumulate, "Give --accumulate 1 or more.");
        Require(Clip >= 0 && double.IsFinite(Clip), "not a gradient norm", Clip, "Give --clip a number above 0, or 0 for no clipping.");
        Require(ValSplit is >= 0 and < 1, "not a share of frames to hold out", ValSplit, "Give --val-split a number from 0 to below 1.");
        Require(LineWidth is null || (LineWidth <= 200 && (float)LineWidth > 0), "not a line width", LineWidth ?? 0, "Give --line-width a number of pixels above 0, up to 200.");
        Require(Workers is >= 0 and <= 256, "not a number of loader threads", Workers, "Give --workers 0 to 256.");
        Require(CheckpointEvery >= 0, "not a number of steps", CheckpointEvery, "Give --checkpoint-every 0 or more.");
        Require(TimeoutSeconds is > 0 and <= 86_400, "not a time-out in seconds", TimeoutSeconds, "Give --timeout a number above 0, up to 86400.");
        Require(KeepCheckpoints >= 0, "not a number of checkpoints", KeepCheckpoints, "Give --keep-checkpoints 0 or more.");
    }

    private static void Require(bool holds, string what, object value, string remedy)
    {
        if (!holds)
        {
            throw new BadInputException(what, Convert.ToString(value, CultureInfo.InvariantCulture)!, remedy);
        }
    }
}
