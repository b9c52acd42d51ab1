using Convoy.Torch.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker.Training;

/// <summary>Words [batch, time] of 17, of which the last is to be guessed: embedding and decoder are one tensor, and one layer is used twice.</summary>
internal sealed class TiedNetwork : nn.Module<Tensor, Tensor>
{
    public const long Words = 17;

    private readonly TorchSharp.Modules.Embedding _embedding;
    private readonly nn.Module<Tensor, Tensor> _shared;
    private readonly TorchSharp.Modules.Linear _decoder;

    public TiedNetwork(ScalarType type)
        : base(nameof(TiedNetwork))
    {
        _embedding = nn.Embedding(Words, 24, dtype: type);
        _shared = nn.Linear(24, 24, dtype: type);
        _decoder = nn.Linear(24, Words, dtype: type);
        _decoder.weight = _embedding.weight!;
        RegisterComponents();
        Expect.True(AutogradVersion.AreSame(_decoder.weight!, _embedding.weight!), "the weights are not shared");
    }

    public override Tensor forward(Tensor input)
    {
        Tensor once = nn.functional.silu(_shared.call(_embedding.call(input).mean([1])));
        return _decoder.call(nn.functional.silu(_shared.call(once)));
    }
}
