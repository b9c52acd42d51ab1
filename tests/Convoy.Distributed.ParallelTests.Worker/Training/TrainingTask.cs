using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker.Training;

/// <summary>A network with data and optimizer to compare data-parallel training on.</summary>
/// <param name="Name">What to call it in messages.</param>
/// <param name="Network">Makes it for an element type; the group is for layers that communicate.</param>
/// <param name="Inputs">The whole batch: <see cref="Batch"/> inputs, of the element type where they are numbers.</param>
/// <param name="Classes">From how many classes the labels are.</param>
/// <param name="IsAdam">AdamW instead of SGD with momentum.</param>
internal sealed record TrainingTask(string Name, Func<ProcessGroup, ScalarType, nn.Module<Tensor, Tensor>> Network, Func<Generator, ScalarType, Tensor> Inputs, long Classes, bool IsAdam)
{
    /// <summary>The number of images, sequences, ... in the whole batch: equal parts for 2, 3 and 4 ranks.</summary>
    public const int Batch = 24;

    public static TrainingTask Convolutions { get; } = new(
        "convolutions with SyncBatchNorm",
        (group, type) => SyncBatchNorm.Convert((nn.Module<Tensor, Tensor>)new SmallNetwork().to(type), group),
        (generator, type) => (randn([Batch, 3, 9, 8], type, generator: generator) * 2) + 1,
        5,
        IsAdam: false);

    public static IReadOnlyList<TrainingTask> All { get; } =
    [
        Convolutions,
        new("recurrent", (_, type) => new RecurrentNetwork().to(type), (generator, type) => randn([Batch, 7, 5], type, generator: generator), 4, IsAdam: true),
        new("shared weights", (_, type) => new TiedNetwork(type), (generator, _) => randint(0, TiedNetwork.Words, [Batch, 6], int64, generator: generator), TiedNetwork.Words, IsAdam: false),
        new("frozen parts", (_, type) => new FrozenNetwork().to(type), (generator, type) => randn([Batch, 6], type, generator: generator), FrozenNetwork.Classes, IsAdam: true),
    ];
}
