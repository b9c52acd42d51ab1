namespace Convoy.Training.Tests;

public sealed class BadInputExceptionTests
{
    [Fact]
    public void Message_OfParts_IsOneLine() =>
        Assert.Equal("the file is empty (a.json). Give another one.", new BadInputException("the file is empty", "a.json", "Give another one.").Message);

    [Fact]
    public void Excerpt_LongText_IsCutToSixtyCharactersOnOneLine()
    {
        Assert.Equal("a b", BadInputException.Excerpt("a\r\nb"));
        Assert.Equal(new string('x', 60), BadInputException.Excerpt(new string('x', 60)));
        Assert.Equal(new string('x', 57) + "...", BadInputException.Excerpt(new string('x', 61)));
        Assert.Equal(new string('x', 56) + "...", BadInputException.Excerpt(new string('x', 56) + "\U0001F600\U0001F600\U0001F600")); // no half of a character is left
    }

    [Fact]
    public void Format_AnyCount_HasTheRightNumber() =>
        Assert.Equal(["0 lanes", "1 lane", "2 lanes"], Enumerable.Range(0, 3).Select(count => Quantity.Format(count, "lane")));
}
