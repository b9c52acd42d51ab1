using System.Text.Json.Serialization;

namespace Convoy.Lanes.Training;

/// <summary>The type in which convolutions and matrix products are computed; weights, gradients and optimizer state are float32 in all.</summary>
public enum Precision
{
    /// <summary>float32.</summary>
    [JsonStringEnumMemberName("fp32")]
    Fp32,

    /// <summary>bfloat16 under autocast.</summary>
    [JsonStringEnumMemberName("bf16")]
    Bf16,

    /// <summary>float16 under autocast, with a gradient scaler.</summary>
    [JsonStringEnumMemberName("fp16")]
    Fp16,
}
