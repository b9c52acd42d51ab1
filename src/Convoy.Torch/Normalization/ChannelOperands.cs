using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>The tensors of a <see cref="ChannelPass"/>: all of one type (float32, float64 or bfloat16) and in one <see cref="ChannelLayout"/>.</summary>
/// <param name="X">Batch norm's input.</param>
/// <param name="Gradient">The output's gradient; null where the operation reads none.</param>
/// <param name="Other">The third tensor; null where the operation reads none.</param>
/// <param name="Result">What the operation writes; null where it writes nothing.</param>
internal readonly record struct ChannelOperands(Tensor X, Tensor? Gradient = null, Tensor? Other = null, Tensor? Result = null);
