namespace Convoy.Torch.Winograd;

/// <summary>3x3 filters as a convolution's matrix: from channels that are added up, the terms, to channels of the result.</summary>
internal sealed unsafe class WinogradFilter
{
    /// <summary>Rows and columns of a filter.</summary>
    public const int Taps = 3;

    private readonly int _outChannels;
    private readonly int _inChannels;

    private WinogradFilter(float* weight, int outChannels, int inChannels, bool turned)
    {
        Weight = weight;
        (_outChannels, _inChannels, IsTurned) = (outChannels, inChannels, turned);
    }

    /// <summary>[K, 3, 3, C].</summary>
    public float* Weight { get; }

    /// <summary>C.</summary>
    public int InChannels => _inChannels;

    /// <summary>Whether this is the input's gradient.</summary>
    public bool IsTurned { get; }

    /// <summary>Channels that are added up.</summary>
    public int Terms => IsTurned ? _outChannels : _inChannels;

    /// <summary>Channels of the result.</summary>
    public int Results => IsTurned ? _inChannels : _outChannels;

    /// <summary>Those of the convolution: results are the output channels K, terms the input channels C.</summary>
    /// <param name="weight">[K, 3, 3, C].</param>
    /// <param name="outChannels">K.</param>
    /// <param name="inChannels">C.</param>
    public static WinogradFilter ForOutput(float* weight, int outChannels, int inChannels) => new(weight, outChannels, inChannels, turned: false);

    /// <summary>Those of the input's gradient, a convolution of the output's with the filters turned by 180 degrees: results are the input channels C, terms the output channels K.</summary>
    /// <inheritdoc cref="ForOutput"/>
    public static WinogradFilter ForInputGradient(float* weight, int outChannels, int inChannels) => new(weight, outChannels, inChannels, turned: true);
}
