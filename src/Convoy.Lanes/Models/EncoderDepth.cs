namespace Convoy.Lanes.Models;

/// <summary>How deep the encoder is, by torchvision's names.</summary>
public enum EncoderDepth
{
    /// <summary>11.2 million parameters, 2 blocks a stage.</summary>
    ResNet18 = 18,

    /// <summary>21.3 million parameters, 3, 4, 6 and 3 blocks.</summary>
    ResNet34 = 34,
}
