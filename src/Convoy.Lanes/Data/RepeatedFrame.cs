namespace Convoy.Lanes.Data;

/// <summary>A frame that is labelled twice.</summary>
/// <param name="ImagePath">The image's absolute path.</param>
/// <param name="First">Where its first label stands: <c>FILE, line N</c>.</param>
/// <param name="Again">Where the other one stands.</param>
/// <param name="IsSame">Whether the two say the same, so that the second can be passed over; else nobody knows which one is right.</param>
public sealed record RepeatedFrame(string ImagePath, string First, string Again, bool IsSame);
