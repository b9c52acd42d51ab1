namespace Convoy.Lanes.Drawing.Roads;

/// <summary>A parabolic change of grade, as roads are built: a sag (uphill behind it) or a crest (downhill behind it).</summary>
/// <param name="Start">Metres ahead of the camera where it begins.</param>
/// <param name="Length">Metres over which the grade changes, more than 0.</param>
/// <param name="GradeChange">Rise per metre that is added: positive is a sag, negative a crest.</param>
internal readonly record struct VerticalCurve(double Start, double Length, double GradeChange);
