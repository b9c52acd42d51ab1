namespace Convoy.Distributed.Nn.Normalization;

/// <summary>What the backward pass of one layer has to know besides the tensors.</summary>
/// <param name="Statistics">Those of all ranks together.</param>
/// <param name="Layout">The input's.</param>
/// <param name="Epsilon">Added to the variance.</param>
/// <param name="Group">The ranks.</param>
/// <param name="InputNeedsGradient">Whether the input needs a gradient, on all ranks: only that one takes communication.</param>
/// <param name="Returned">Keeps what backward gives to libtorch for as long as it must.</param>
internal sealed record NormalizationContext(
    BatchStatistics Statistics, ChannelLayout Layout, double Epsilon, ProcessGroup Group, bool InputNeedsGradient, ReturnedGradients Returned);
