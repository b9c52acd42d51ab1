using System.Text.Json;
using System.Text.Json.Serialization;
using Convoy.Training;
using Convoy.Training.Options;

namespace Convoy.PeerComparison;

/// <summary>What both sides of a comparison do: a file of settings in its folder, written by <c>benchmarks/peers/compare</c>.</summary>
internal sealed record PeerSettings
{
    private static readonly JsonSerializerOptions Format = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary><c>lane</c> or <c>smooth</c>.</summary>
    public required string Network { get; init; }

    /// <summary>The lane detector's encoder: <c>resnet18</c> or <c>resnet34</c>.</summary>
    public required string Encoder { get; init; }

    /// <summary>A folder in TuSimple's layout, or <c>synthetic</c> to draw frames.</summary>
    public required string Data { get; init; }

    /// <summary>WIDTHxHEIGHT in pixels.</summary>
    public required string ImageSize { get; init; }

    /// <summary>Images of one step over all ranks.</summary>
    public required int BatchSize { get; init; }

    /// <summary>How many different batches there are; step s takes batch (s - 1) modulo this.</summary>
    public required int Batches { get; init; }

    /// <summary>Forward and backward passes.</summary>
    public required int Steps { get; init; }

    /// <summary>Ranks.</summary>
    public required int Processes { get; init; }

    /// <summary>libtorch's threads in each rank.</summary>
    public required int Threads { get; init; }

    /// <summary><c>fp32</c>, <c>fp64</c> or <c>bf16</c>.</summary>
    public required string Precision { get; init; }

    /// <summary><c>contiguous</c>, <c>channels_last</c>, or <c>auto</c> for what <c>convoy train</c> takes.</summary>
    public required string MemoryFormat { get; init; }

    /// <summary>What runs by Convoy's own kernels, as <c>convoy train --fuse</c> takes it.</summary>
    public required string Fuse { get; init; }

    /// <summary>Whether PyTorch's side compiles its network; nothing of Convoy's side.</summary>
    public required bool Compile { get; init; }

    /// <summary>Whether batch norm takes its statistics over all ranks.</summary>
    public required bool SyncBn { get; init; }

    /// <summary>The highest learning rate, already scaled with the ranks.</summary>
    public required double Lr { get; init; }

    /// <summary>AdamW's weight decay.</summary>
    public required double WeightDecay { get; init; }

    /// <summary>Steps whose gradients are averaged into one update.</summary>
    public required int Accumulate { get; init; }

    /// <summary>The largest norm of all gradients together, 0 for no clipping.</summary>
    public required double Clip { get; init; }

    /// <summary>The seed of weights and drawn frames.</summary>
    public required long Seed { get; init; }

    /// <summary>Whether each side writes the first update's gradients and the last weights.</summary>
    public required bool Dump { get; init; }

    /// <summary>Steps at the start that the speed leaves out, at least.</summary>
    public required int Warmup { get; init; }

    /// <summary>Seconds at the start that the speed leaves out, at least.</summary>
    public required double Settle { get; init; }

    /// <summary>How a run of two at the same time meets the other; null for a run by itself.</summary>
    public required PeerPair? Pair { get; init; }

    /// <summary>Whether images, weights and features lie with their channels innermost.</summary>
    [JsonIgnore]
    public bool ChannelsLast => MemoryFormat switch
    {
        "channels_last" => true,
        "contiguous" => false,
        "auto" => new TrainingOptions().ChannelsLast,
        _ => throw new BadInputException("no such memory format", MemoryFormat, "Give contiguous, channels_last or auto."),
    };

    /// <summary>Images of one step in each rank.</summary>
    [JsonIgnore]
    public int LocalBatchSize => BatchSize / Processes;

    /// <summary>Reads settings.</summary>
    /// <exception cref="BadInputException">The file is missing or holds something else.</exception>
    public static PeerSettings Read(string file)
    {
        if (!File.Exists(file))
        {
            throw new BadInputException("no such file", file, "Start benchmarks/peers/compare, which writes it.");
        }

        try
        {
            return JsonSerializer.Deserialize<PeerSettings>(File.ReadAllText(file), Format)!;
        }
        catch (JsonException error)
        {
            throw new BadInputException($"not the settings of a comparison, {error.Message}", file, "Start benchmarks/peers/compare, which writes them.", error);
        }
    }

    /// <summary>The same settings as <c>convoy train</c> knows them.</summary>
    /// <exception cref="BadInputException">A setting has a value that there is not.</exception>
    public TrainingOptions ToTrainingOptions() => new()
    {
        Nproc = Processes,
        Threads = Threads,
        BatchSize = BatchSize,
        Steps = Steps,
        Lr = Lr,
        ScaleLr = false,
        WeightDecay = WeightDecay,
        Accumulate = Accumulate,
        Clip = Clip,
        SyncBn = SyncBn,
        ChannelsLast = ChannelsLast,
        Precision = Precision switch
        {
            "fp32" or "fp64" => Training.Precision.Fp32,
            "bf16" => Training.Precision.Bf16,
            _ => throw new BadInputException("no such precision in a comparison", Precision, "Give fp32, fp64 or bf16."),
        },
        Fuse = FuseSetting.Parse(Fuse),
        Seed = Seed,
    };
}
